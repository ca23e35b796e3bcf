//! The plan: every record checked, every new word known, nothing written.

use core::fmt;
use core::mem::MaybeUninit;
use core::slice;

use crate::arch::Write;
use crate::insn::Insn;
use crate::patch::computed::Computed;
use crate::patch::decision::Decision;
use crate::patch::error::{PlanError, Reason};
use crate::patch::replacement::Replacement;
use crate::patch::site::error;
use crate::patch::states::States;
use crate::patch::walk::{Arm, Walk};
use crate::record::{AlternativeRecord, BranchRecord};
use crate::region::Region;

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
    /// Data cache lines that held them, each cleaned once unless CTR_EL0.IDC
    /// makes that needless.
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
    writes: &'p mut [Write],
    report: Report,
}

impl<'p> Plan<'p> {
    /// Decides what every site of `region` becomes under `decision`. Nothing is
    /// written but `room`.
    ///
    /// `room` must hold one entry for each word of each site, or at least for
    /// each word that will change; the section `alt_plan` is of that size.
    ///
    /// # Errors
    /// The first record, in address order, that cannot be applied. The place and the
    /// condition of every site are checked; an arm itself only where it wins, for
    /// all of them see [`check`](super::check).
    pub fn new(
        region: &Region<'_>,
        decision: Decision<'_>,
        room: &'p mut [MaybeUninit<Write>],
    ) -> Result<Self, PlanError> {
        let states = States::new(decision);
        let mut walk = Walk::new(region, decision, &states);
        let mut writer = Writer::new(region, room);
        while let Some(arm) = walk.next_arm()? {
            match arm {
                Arm::Branch(site, record) => writer
                    .branch(site, record)
                    .map_err(|reason| error(decision.table, site, record.condition, reason))?,
                Arm::Alternative(site, at, record) => writer
                    .alternative(site, at, record)
                    .map_err(|reason| error(decision.table, site, record.condition, reason))?,
            }
        }
        let words = writer.words();
        let report = Report {
            branches: walk.branches.sites(),
            alternatives: walk.alternatives.sites(),
            pending: walk.pending,
            applied: writer.applied,
            rewritten: writer.applied - writer.unchanged,
            words: u32::try_from(words).unwrap_or(u32::MAX),
            lines: 0,
        };
        // SAFETY: the writer has initialised the first `words` entries.
        let writes = unsafe { slice::from_raw_parts_mut(room.as_mut_ptr().cast(), words) };
        Ok(Self { writes, report })
    }

    /// The writes, in address order.
    pub fn writes(&self) -> &[Write] {
        self.writes
    }

    /// What has been found; `lines` is not known before the commit.
    pub fn report(&self) -> Report {
        self.report
    }
}

/// Turns arms into writes.
struct Writer<'a, 'p> {
    region: &'a Region<'a>,
    /// All the room there is, in entries.
    size: usize,
    /// What is left of it.
    room: slice::IterMut<'p, MaybeUninit<Write>>,
    applied: u32,
    /// Those of them that change nothing.
    unchanged: u32,
}

impl<'a, 'p> Writer<'a, 'p> {
    fn new(region: &'a Region<'a>, room: &'p mut [MaybeUninit<Write>]) -> Self {
        Self {
            region,
            size: room.len(),
            room: room.iter_mut(),
            applied: 0,
            unchanged: 0,
        }
    }

    /// Number of writes so far.
    fn words(&self) -> usize {
        self.size - self.room.len()
    }

    #[inline(always)]
    fn branch(&mut self, site: u64, record: &BranchRecord) -> Result<(), Reason> {
        let (found, new) = branch_words(self.region, site, record)?;
        let changed = self.write(site, found, new)?;
        self.count(changed);
        Ok(())
    }

    #[inline(always)]
    fn alternative(
        &mut self,
        site: u64,
        at: u64,
        record: &AlternativeRecord,
    ) -> Result<(), Reason> {
        let computes = record.condition.is_callback() && record.replacement_len != 0;
        let changed = if computes {
            // Out of line, so that only a callback takes the stack that it needs.
            let computed = Computed::new(self.region, at, record, site)?;
            self.rewrite(site, record.site_len, computed.words())?
        } else {
            let replacement = Replacement::new(self.region, at, record, site)?;
            self.rewrite(site, record.site_len, replacement.words())?
        };
        self.count(changed);
        Ok(())
    }

    fn count(&mut self, changed: bool) {
        self.applied += 1;
        self.unchanged += u32::from(!changed);
    }

    /// Plans the words of a site; says whether one changes.
    #[inline(always)]
    fn rewrite(
        &mut self,
        site: u64,
        len: u8,
        new: impl Iterator<Item = Result<Insn, Reason>>,
    ) -> Result<bool, Reason> {
        let old = self.region.text.part(site, len);
        let old = old.ok_or(Reason::SiteOutsideText { len })?;
        let (mut at, mut changed) = (site, false);
        for (old, new) in old.iter().zip(new) {
            changed |= self.write(at, old, new?)?;
            at = at.wrapping_add(4);
        }
        Ok(changed)
    }

    /// Plans one word; says whether it changes.
    #[inline(always)]
    fn write(&mut self, address: u64, old: Insn, new: Insn) -> Result<bool, Reason> {
        if old == new {
            return Ok(false);
        }
        let text = self.region.text.range().start;
        let too_small = Reason::PlanTooSmall { room: self.size };
        let offset = u32::try_from(address.wrapping_sub(text)).map_err(|_| too_small)?;
        let entry = self.room.next().ok_or(too_small)?;
        entry.write(Write::new(offset, old, new));
        Ok(true)
    }
}

/// What the site of a branch holds, and what it becomes.
pub(super) fn branch_words(
    region: &Region<'_>,
    address: u64,
    record: &BranchRecord,
) -> Result<(Insn, Insn), Reason> {
    let target = address.wrapping_add_signed(4 * i64::from(record.displacement));
    if region.text.part(target, 1).is_none() {
        return Err(Reason::BranchOutsideText { target });
    }
    // 16 bits of displacement are always within reach of a B.
    let Ok(branch) = Insn::branch(address, target) else {
        return Err(Reason::BranchOutsideText { target });
    };
    let (expected, new) = if record.condition.is_likely() {
        (branch, Insn::NOP)
    } else {
        (Insn::NOP, branch)
    };
    let found = region.text.get(address);
    let found = found.ok_or(Reason::SiteOutsideText { len: 1 })?;
    if found != expected && found != new {
        return Err(Reason::UnexpectedWord { found, expected });
    }
    Ok((found, new))
}
