//! The plan: all records checked and all new words computed, before anything is written.

#[cfg(feature = "raw-tables")]
use core::cell::OnceCell;
use core::mem::MaybeUninit;

use crate::cap::{CapSet, CapTable};
#[cfg(feature = "finished-tables")]
use crate::finished::FinishedTable;
use crate::patch::decision::Decision;
use crate::patch::error::PlanError;
#[cfg(feature = "finished-tables")]
use crate::patch::finished;
use crate::patch::report::Report;
use crate::patch::walk::Walked;
#[cfg(feature = "raw-tables")]
use crate::patch::walk::walk;
use crate::region::Region;
use crate::room::PlannedWrite;

/// The writes of one pass over one region: in address order, if its tables are raw; else those of each
/// bucket in address order.
#[derive(Debug)]
pub struct Plan<'p> {
    pub(super) writes: &'p mut [PlannedWrite],
    /// The rest of the room.
    unused: &'p mut [MaybeUninit<PlannedWrite>],
    needed: usize,
    pub(super) report: Report,
}

impl<'p> Plan<'p> {
    /// Decides the new words of every site of `region` under `decision`. Writes to `room` only.
    ///
    /// `room` must have one entry for each word of each site: the size of the section `alt_plan_size`.
    /// Fewer are sufficient if there is one for each word that changes, and one for each word of a site
    /// with a callback, which works in this memory.
    ///
    /// # Errors
    /// The first record, in address order, that cannot be applied. The place and the conditions of
    /// every site are checked, but an arm only if it wins: for all arms see [`check`].
    pub fn new(
        region: &Region<'_>,
        decision: Decision<'_>,
        room: &'p mut [MaybeUninit<PlannedWrite>],
    ) -> Result<Self, PlanError> {
        Self::after(region, decision, &CapSet::EMPTY, room)
    }

    /// As [`new`](Self::new), after an earlier pass that knew the cpucaps `earlier`.
    ///
    /// The pass over a finished table leaves out the sites that the earlier one has decided. A raw
    /// table shows by the words at each site whether it is patched, so `earlier` does not matter.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn after(
        region: &Region<'_>,
        decision: Decision<'_>,
        earlier: &CapSet,
        room: &'p mut [MaybeUninit<PlannedWrite>],
    ) -> Result<Self, PlanError> {
        Self::walk::<false>(region, decision, earlier, room)
    }

    /// As [`new`](Self::new), and checks every arm of every site, whether or not it wins: for the
    /// first of several passes, so that no later pass is refused for its arms after this one has
    /// written.
    ///
    /// No site of an alternative may hold a breakpoint. Records state the two words that a branch
    /// site can hold, but not the words with which an alternative was linked: a default that stops
    /// on purpose cannot be distinguished from a debugger's breakpoint. Other changes of such a
    /// site are not noticed.
    ///
    /// A callback is called only if its arm wins.
    ///
    /// Too little room is not an error here, but leaves the plan without writes: the caller
    /// compares the room with [`needed`](Self::needed).
    ///
    /// # Errors
    /// The first record, in address order, that could not be applied on some CPU.
    pub(crate) fn checked(
        region: &Region<'_>,
        decision: Decision<'_>,
        room: &'p mut [MaybeUninit<PlannedWrite>],
    ) -> Result<Self, PlanError> {
        Self::walk::<true>(region, decision, &CapSet::EMPTY, room)
    }

    /// As [`checked`](Self::checked), of a region that a host tool has not finished: a payload.
    pub(crate) fn checked_records(
        region: &Region<'_>,
        decision: Decision<'_>,
        room: &'p mut [MaybeUninit<PlannedWrite>],
    ) -> Result<Self, PlanError> {
        Self::of_room(region, room, |room| {
            Self::walk_records::<true>(region, decision, room)
        })
    }

    fn walk<const ALL: bool>(
        region: &Region<'_>,
        decision: Decision<'_>,
        earlier: &CapSet,
        room: &'p mut [MaybeUninit<PlannedWrite>],
    ) -> Result<Self, PlanError> {
        Self::of_room(region, room, |room| {
            #[cfg(feature = "finished-tables")]
            if let Some(table) = &FinishedTable::of(region) {
                return finished::plan(table, region, &decision, earlier, ALL, room);
            }
            #[cfg(not(feature = "finished-tables"))]
            let _ = earlier;
            Self::walk_records::<ALL>(region, decision, room)
        })
    }

    /// The plan whose entries `walk` writes to `room`.
    #[inline(always)]
    fn of_room(
        region: &Region<'_>,
        room: &'p mut [MaybeUninit<PlannedWrite>],
        walk: impl FnOnce(&mut [MaybeUninit<PlannedWrite>]) -> Result<Walked, PlanError>,
    ) -> Result<Self, PlanError> {
        // A write has 32 bits for its offset.
        let room = match region.text.is_short() {
            true => room,
            false => &mut [],
        };
        let walked = walk(room)?;
        let (writes, unused) = room.split_at_mut(walked.planned);
        Ok(Self {
            // SAFETY: the walk has written this number of entries.
            writes: unsafe { &mut *(&raw mut *writes as *mut [PlannedWrite]) },
            unused,
            needed: walked.needed,
            report: walked.report,
        })
    }

    /// Writes the entries of a plan of raw tables to `room`.
    #[inline(always)]
    fn walk_records<const ALL: bool>(
        region: &Region<'_>,
        decision: Decision<'_>,
        room: &mut [MaybeUninit<PlannedWrite>],
    ) -> Result<Walked, PlanError> {
        #[cfg(feature = "raw-tables")]
        {
            let error = OnceCell::new();
            let walked = walk::<ALL>(region, decision, room, &error);
            walked.map_err(|why| *why)
        }
        #[cfg(not(feature = "raw-tables"))]
        {
            let _ = room;
            Walked::without_records(region, &decision)
        }
    }

    /// A plan without a table: of separate words, in address order.
    pub(crate) fn of_writes(writes: &'p mut [PlannedWrite]) -> Self {
        let words = u32::try_from(writes.len()).unwrap_or(u32::MAX);
        let report = Report {
            rewritten: words,
            words,
            ..Report::default()
        };
        Self {
            needed: writes.len(),
            writes,
            unused: &mut [],
            report,
        }
    }

    /// The writes, in the order in which they are committed.
    pub fn writes(&self) -> &[PlannedWrite] {
        self.writes
    }

    /// Number of words of all sites, which is the room that any plan of the region needs.
    pub fn needed(&self) -> usize {
        self.needed
    }

    /// The room after the writes.
    pub(crate) fn unused(&mut self) -> &mut [MaybeUninit<PlannedWrite>] {
        self.unused
    }

    /// The totals of the pass. `lines` is 0 before the commit.
    pub fn report(&self) -> Report {
        self.report
    }
}

/// Checks every arm of every site, for every CPU, as the first pass does; plans nothing.
///
/// A host tool calls this with the region of an image file. A kernel does not need to:
/// [`Image::plan_first_pass`](crate::Image::plan_first_pass) makes the same checks while it plans.
/// What a callback returns is not checked, since callbacks are not called.
///
/// Returns the number of words of all sites, which is the room that a plan needs.
///
/// # Errors
/// The first record, in address order, that could not be applied.
pub fn check(region: &Region<'_>, table: &CapTable) -> Result<usize, PlanError> {
    let nothing = Decision {
        table,
        present: &CapSet::EMPTY,
        decided: &CapSet::EMPTY,
    };
    Ok(Plan::checked(region, nothing, &mut [])?.needed)
}
