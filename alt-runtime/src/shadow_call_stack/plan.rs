//! The plan of a shadow call stack: checks every entry and computes every new word.

use core::fmt;
use core::mem::MaybeUninit;
use core::ops::Range;

use super::eh_frame::{Section, UnwindInfo};
use super::error::{UnwindError, UnwindReason};
use super::scan::{Mark, Scan};
use crate::finished::FinishedTable;
use crate::patch::Plan;
use crate::region::{Region, Text};
use crate::room::PlannedWrite;
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
use crate::{
    arch::Maintenance,
    patch::{PatchError, WritableAlias},
};

/// The counts of a plan or commit.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ShadowReport {
    /// Functions in the tables (FDEs), excluded ones included.
    pub functions: u32,
    /// Functions in an excluded range.
    pub excluded: u32,
    /// Instructions to rewrite, one word each.
    pub sites: u32,
    /// Instructions that already push or pop.
    pub already: u32,
    /// Functions that sign or authenticate and have no mark at all. They stay as they are.
    pub unmarked: u32,
    /// Data cache lines that contain the sites; 0 before the commit.
    pub lines: u32,
}

impl fmt::Display for ShadowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            functions,
            excluded,
            sites,
            already,
            unmarked,
            ..
        } = self;
        write!(
            f,
            "{sites} sites rewritten, {already} were so already; {functions} functions, {excluded} of them excluded"
        )?;
        match unmarked {
            0 => Ok(()),
            _ => write!(f, ", {unmarked} sign without a mark and are unchanged"),
        }
    }
}

/// The writes that give a text a shadow call stack, in address order.
#[derive(Debug)]
pub struct ShadowPlan<'p> {
    plan: Plan<'p>,
    report: ShadowReport,
}

impl<'p> ShadowPlan<'p> {
    /// Finds the instructions that sign and authenticate in the text of `region` by the unwind
    /// tables `unwind`. Writes to `room` only.
    ///
    /// Functions inside `excluded` are not changed and may be outside of the text. Exclude code of
    /// another exception level, whose x18 is a different register. The tables of `region` serve to
    /// check that no instruction is inside the site of an alternative.
    ///
    /// `room` must hold one entry for each site. One entry for each 2 bytes of the tables is always
    /// enough, one for each 16 bytes usually. The error reports how many are needed.
    ///
    /// # Errors
    /// The first entry, in the order of the section, that cannot be used. If all can be used: the
    /// room is too small, two entries mark the same instruction, or an instruction is in the site of
    /// an alternative.
    pub fn new(
        region: &Region<'_>,
        unwind: UnwindInfo<'_>,
        excluded: &[Range<u64>],
        room: &'p mut [MaybeUninit<PlannedWrite>],
    ) -> Result<Self, UnwindError> {
        // A write has 32 bits for its offset in the text.
        let room = if region.text.is_short() {
            room
        } else {
            &mut []
        };
        let tables = Tables {
            section: &Section::new(unwind),
            text: &region.text,
            excluded,
        };
        let text = region.text.range().start;
        let mut report = ShadowReport::default();
        let (mut words, mut first_left_out) = (0, None);
        tables.marks(&mut report, |mark| {
            if mark.before == mark.after {
                return Ok(());
            }
            match room.get_mut(words) {
                Some(entry) => {
                    let offset = mark.address.wrapping_sub(text) as u32;
                    entry.write(PlannedWrite::new(offset, mark.before, mark.after));
                }
                None if first_left_out.is_none() => first_left_out = Some(mark.address),
                None => {}
            }
            words += 1;
            Ok(())
        })?;
        if let Some(address) = first_left_out {
            let room = room.len();
            let reason = UnwindReason::RoomTooSmall {
                room,
                needed: words,
            };
            return Err(tables.refusal(address, 0, reason));
        }
        // Nothing was left out, so all writes are in the room.
        let written = room.get_mut(..words).unwrap_or_default();
        // SAFETY: the first `words` entries have been written.
        let writes = unsafe { &mut *(&raw mut *written as *mut [PlannedWrite]) };
        // A linker keeps the order of its input, which need not be the order of the text.
        writes.sort_unstable_by_key(|write| write.offset);
        let twice = writes.windows(2).find(|pair| match pair {
            [a, b] => a.offset == b.offset,
            _ => false,
        });
        if let Some([write, _]) = twice {
            let address = text.wrapping_add(write.offset.into());
            return Err(tables.refusal(address, 1, UnwindReason::Twice { address }));
        }
        if let Some((offset, site)) = in_alternative(region, writes) {
            let address = text.wrapping_add(offset.into());
            let reason = UnwindReason::InAlternative { address, site };
            return Err(tables.refusal(address, 0, reason));
        }
        Ok(Self {
            plan: Plan::of_writes(writes),
            report,
        })
    }

    /// The writes, in address order.
    pub fn writes(&self) -> &[PlannedWrite] {
        self.plan.writes()
    }

    /// The totals of the tables. `lines` is 0 before the commit.
    pub fn report(&self) -> ShadowReport {
        self.report
    }

    /// Writes the plan through `alias`, does the cache maintenance, and reads every word back
    /// at the address at which it is executed.
    ///
    /// Available for the target `aarch64` with `target_os = "none"`.
    ///
    /// # Errors
    /// The alias could not be opened, or a word did not read back. The text is unchanged.
    ///
    /// # Safety
    /// As for [`Plan::commit`](crate::patch::Plan::commit). In addition, for all code that
    /// executes one of the sites afterwards, on each CPU:
    ///
    /// - x18 points to the code's own shadow stack, writable and large enough. Code that switches
    ///   stacks, takes an exception or changes the exception level switches x18 as well.
    /// - Nothing that the code calls or is interrupted by uses x18 for anything else. The prebuilt
    ///   `core` does.
    /// - No function with a site is on any call stack now, including the callers of this function:
    ///   it has not pushed its return address, and would pop one.
    #[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
    pub unsafe fn commit<A: WritableAlias>(
        self,
        region: &Region<'_>,
        how: &Maintenance,
        alias: &mut A,
    ) -> Result<ShadowReport, PatchError<A::Error>> {
        let Self { plan, mut report } = self;
        // SAFETY: the plan is of this region, and the caller promises the rest.
        report.lines = unsafe { plan.commit(region, how, alias) }?.lines;
        Ok(report)
    }
}

/// The tables, and the ranges by which their functions are selected.
struct Tables<'t, 'a> {
    section: &'t Section<'a>,
    text: &'t Text<'a>,
    excluded: &'t [Range<u64>],
}

impl Tables<'_, '_> {
    /// Calls `found` with each marked instruction, and counts.
    fn marks(
        &self,
        report: &mut ShadowReport,
        mut found: impl FnMut(Mark) -> Result<(), UnwindReason>,
    ) -> Result<(), UnwindError> {
        self.section.functions(|function| {
            report.functions += 1;
            let (start, len) = (function.start(), function.len());
            if place(self.text, self.excluded, (start, len))? == Place::Excluded {
                report.excluded += 1;
                return Ok(());
            }
            let mut scan = Scan::new(self.text, start);
            function.stretches(|stretch| {
                scan.stretch(stretch, |mark| {
                    match mark.before == mark.after {
                        true => report.already += 1,
                        false => report.sites += 1,
                    }
                    found(mark)
                })
            })?;
            if scan.finish()? {
                report.unmarked += 1;
            }
            Ok(())
        })
    }

    /// The error with the entry that marks the instruction at `address`, after skipping `skip` entries
    /// that mark it as well. The text may have changed since; then the error names no entry.
    fn refusal(&self, address: u64, mut skip: u32, reason: UnwindReason) -> UnwindError {
        let found = self.marks(&mut ShadowReport::default(), |mark| {
            if mark.address != address {
                return Ok(());
            }
            if skip == 0 {
                return Err(reason);
            }
            skip -= 1;
            Ok(())
        });
        found.err().unwrap_or(UnwindError {
            entry: 0,
            function: None,
            reason,
        })
    }
}

/// The part of the image in which a function is located.
#[derive(PartialEq)]
enum Place {
    Text,
    Excluded,
}

/// Locates the `len` bytes at `start`: completely inside one of the `excluded` ranges, or completely
/// in the text and outside of them.
fn place(
    text: &Text<'_>,
    excluded: &[Range<u64>],
    (start, len): (u64, u64),
) -> Result<Place, UnwindReason> {
    // Distances wrap, so that a range may end at the top of the address space.
    let size = |range: &Range<u64>| range.end.wrapping_sub(range.start);
    let offset = |range: &Range<u64>| start.wrapping_sub(range.start);
    let is_inside = |range: &Range<u64>| {
        let rest = size(range).checked_sub(offset(range));
        rest.is_some_and(|rest| len <= rest)
    };
    let overlaps = |range: &Range<u64>| {
        let before = range.start.wrapping_sub(start);
        offset(range) < size(range) || (before < len && size(range) != 0)
    };
    if excluded.iter().any(is_inside) {
        return Ok(Place::Excluded);
    }
    match text.contains(start, len.div_ceil(4)) && !excluded.iter().any(overlaps) {
        true => Ok(Place::Text),
        false => Err(UnwindReason::Outside { len }),
    }
}

/// The first write, in the order of the tables, inside the site of an alternative: its offset, and
/// the address of the site. The tables need not have been checked.
fn in_alternative(region: &Region<'_>, writes: &[PlannedWrite]) -> Option<(u32, u64)> {
    let text = region.text.range().start;
    let branches = region.branches.iter();
    let branches = branches.map(|(at, record)| (record.site_address(at), 1));
    let alternatives = region.alternatives.iter();
    let alternatives =
        alternatives.map(|(at, record)| (record.site_address(at), u64::from(record.site_len)));
    let finished = FinishedTable::of(region).and_then(Result::ok);
    let finished = finished.into_iter().flat_map(|table| table.sites());
    let finished = finished.map(|(site, len)| (site, u64::from(len)));
    let raw = branches.chain(alternatives);
    // The records of a region that is finished have no meaning.
    let raw = raw.filter(|_| !region.is_finished());
    raw.chain(finished).find_map(|(site, len)| {
        let start = site.wrapping_sub(text);
        let after = writes.partition_point(|write| u64::from(write.offset) + 4 <= start);
        let write = writes.get(after)?;
        let is_inside = u64::from(write.offset) < start.saturating_add(4 * len);
        is_inside.then_some((write.offset, site))
    })
}
