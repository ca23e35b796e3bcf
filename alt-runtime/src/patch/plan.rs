//! The plan: every record checked, every new word known, nothing written.

use core::fmt;
use core::mem::MaybeUninit;

use crate::patch::decision::Decision;
use crate::patch::error::PlanError;
use crate::patch::states::States;
use crate::patch::walk::Walk;
use crate::patch::writer::Writer;
use crate::region::Region;
use crate::room::PlannedWrite;

/// What a pass found and did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Report {
    /// Sites of `cpu_has_cap!`.
    pub branches: u32,
    /// Sites of `alternative!`.
    pub alternatives: u32,
    /// Sites that a later pass decides.
    pub pending: u32,
    /// Sites of which an arm applies.
    pub applied: u32,
    /// Sites that changed. Less than `applied` when an arm equals what the text
    /// holds already, as it does in a second pass.
    pub rewritten: u32,
    /// Words that changed.
    pub words: u32,
    /// Data cache lines that held them, each cleaned once.
    pub lines: u32,
}

impl Report {
    /// Sites in the tables.
    pub const fn sites(&self) -> u32 {
        self.branches + self.alternatives
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} sites rewritten: {} words in {} cache lines",
            self.rewritten,
            self.sites(),
            self.words,
            self.lines
        )
    }
}

/// The writes of one pass over one region, in address order.
#[derive(Debug)]
pub struct Plan<'p> {
    pub(super) writes: &'p mut [PlannedWrite],
    pub(super) report: Report,
}

impl<'p> Plan<'p> {
    /// Decides what every site of `region` becomes under `decision`. Nothing is
    /// written but `room`.
    ///
    /// `room` must hold one entry for each word of each site, or at least for
    /// each word that will change; the section `alt_plan_size` is of that size.
    ///
    /// # Errors
    /// The first record, in address order, that cannot be applied. The place and the
    /// condition of every site are checked; an arm itself only where it wins, for
    /// all of them see [`check`](super::check).
    pub fn new(
        region: &Region<'_>,
        decision: Decision<'_>,
        room: &'p mut [MaybeUninit<PlannedWrite>],
    ) -> Result<Self, PlanError> {
        let mut states = States::new();
        states.fill(decision);
        let mut walk = Walk::new(region, decision, &states);
        let mut writer = Writer::new(region, room);
        walk.run(&mut writer)?;
        let words = writer.words();
        let report = Report {
            branches: walk.branches.sites(),
            alternatives: walk.alternatives.sites(),
            pending: walk.pending,
            applied: writer.applied(),
            rewritten: writer.rewritten(),
            words: u32::try_from(words).unwrap_or(u32::MAX),
            lines: 0,
        };
        Ok(Self {
            writes: writer.into_writes(),
            report,
        })
    }

    /// A plan that no table has led to: of words that lie apart, in address order.
    #[cfg(feature = "shadow-call-stack")]
    pub(crate) fn of_writes(writes: &'p mut [PlannedWrite]) -> Self {
        let words = u32::try_from(writes.len()).unwrap_or(u32::MAX);
        let report = Report {
            rewritten: words,
            words,
            ..Report::default()
        };
        Self { writes, report }
    }

    /// The writes, in address order.
    pub fn writes(&self) -> &[PlannedWrite] {
        self.writes
    }

    /// What has been found; `lines` is not known before the commit.
    pub fn report(&self) -> Report {
        self.report
    }
}
