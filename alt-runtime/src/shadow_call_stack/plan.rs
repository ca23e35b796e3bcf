//! The plan: every entry checked, every new word known, nothing written.

use core::fmt;
use core::mem::MaybeUninit;
use core::ops::Range;

use super::error::{UnwindError, UnwindReason};
use super::unwind::{Place, Section, UnwindInfo, place};
use super::{AUTHENTICATE, SIGN, becomes};
use crate::insn::Insn;
use crate::patch::Plan;
use crate::region::{Region, Text};
use crate::room::PlannedWrite;

/// What has been found in unwind tables, and done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ShadowReport {
    /// Functions in the tables (FDEs), excluded ones included.
    pub functions: u32,
    /// Of these, functions in a range that is excluded.
    pub excluded: u32,
    /// Instructions that are rewritten, one word each.
    pub sites: u32,
    /// Instructions that push or pop already.
    pub already: u32,
    /// Data cache lines that held the sites; 0 before the commit.
    pub lines: u32,
}

impl fmt::Display for ShadowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            functions,
            excluded,
            sites,
            already,
            ..
        } = self;
        write!(
            f,
            "{sites} sites rewritten, {already} were so already; {functions} functions, {excluded} of them excluded"
        )
    }
}

/// The writes that give a text a shadow call stack, in address order.
#[derive(Debug)]
pub struct ShadowPlan<'p> {
    pub(super) plan: Plan<'p>,
    pub(super) report: ShadowReport,
}

impl<'p> ShadowPlan<'p> {
    /// Finds the instructions that sign and authenticate in the text of `region`, by the tables
    /// `unwind`. Nothing is written but `room`.
    ///
    /// Functions inside `excluded` stay as they are; they need not be inside the text. Code of
    /// another exception level belongs there, since x18 is not its own. The tables of `region`
    /// are used to see that no alternative has its site there.
    ///
    /// `room` must hold one entry for each site. An entry for each 2 bytes of the tables is always
    /// enough, and one for each 16 mostly; the error says how many there must be.
    ///
    /// # Errors
    /// The first entry, in the order of the section, that cannot be followed. If all can: that the
    /// room is too small, that two entries mark the same instruction, or that one is in the site
    /// of an alternative.
    pub fn new(
        region: &Region<'_>,
        unwind: UnwindInfo<'_>,
        excluded: &[Range<u64>],
        room: &'p mut [MaybeUninit<PlannedWrite>],
    ) -> Result<Self, UnwindError> {
        // A write has 32 bits for its place.
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
        // All writes have found room, as nothing was left out.
        let written = room.get_mut(..words).unwrap_or_default();
        // SAFETY: the first `words` entries have been written.
        let writes = unsafe { &mut *(&raw mut *written as *mut [PlannedWrite]) };
        // A linker keeps the order of its input, which need not be that of the text.
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

    /// What has been found; `lines` is not known before the commit.
    pub fn report(&self) -> ShadowReport {
        self.report
    }
}

/// One marked instruction that signs, authenticates, pushes or pops.
struct Mark {
    address: u64,
    before: Insn,
    after: Insn,
}

/// The tables, and what they are read for.
struct Tables<'t, 'a> {
    section: &'t Section<'a>,
    text: &'t Text<'a>,
    excluded: &'t [Range<u64>],
}

impl Tables<'_, '_> {
    /// Tells each mark, and counts.
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
            let mut unmarked = Unmarked::new(self.text, start);
            let mut is_signed = false;
            function.marks(|offset| {
                // It stands behind its instruction. One at the very start, as of a part of a
                // function that lies elsewhere, is about an instruction of the main part; of a
                // second one at the same place, all has been said.
                let at = offset.checked_sub(4).filter(|at| *at >= unmarked.next);
                let Some(at) = at else { return Ok(()) };
                unmarked.search(at);
                unmarked.next = offset;
                let address = start.wrapping_add(at);
                let Some(before) = self.text.get(address) else {
                    return Ok(());
                };
                let Some(after) = becomes(before) else {
                    return Ok(());
                };
                is_signed = true;
                match before == after {
                    true => report.already += 1,
                    false => report.sites += 1,
                }
                found(Mark {
                    address,
                    before,
                    after,
                })
            })?;
            if !is_signed {
                return Ok(());
            }
            unmarked.search(len);
            match unmarked.first {
                Some(address) => Err(UnwindReason::Unmarked { address }),
                None => Ok(()),
            }
        })
    }

    /// Names the entry that marks the instruction at `address`, after passing over so many that
    /// mark it, too. The text may have changed since it was found; then no entry is named.
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

/// Looks for instructions that sign or authenticate among those of a function that have no mark.
struct Unmarked<'a> {
    text: &'a Text<'a>,
    start: u64,
    /// Offset of the instruction that is looked at next.
    next: u64,
    /// Address of the first one.
    first: Option<u64>,
}

impl<'a> Unmarked<'a> {
    fn new(text: &'a Text<'a>, start: u64) -> Self {
        Self {
            text,
            start,
            next: 0,
            first: None,
        }
    }

    /// Looks at those before the one at offset `stop`.
    fn search(&mut self, stop: u64) {
        while self.next < stop {
            let address = self.start.wrapping_add(self.next);
            let is_one = matches!(self.text.get(address), Some(SIGN | AUTHENTICATE));
            if is_one && self.first.is_none() {
                self.first = Some(address);
            }
            self.next += 4;
        }
    }
}

/// The offset of the first write, by the order of the tables, that is in the site of an
/// alternative; and that site. The tables need not have been checked.
fn in_alternative(region: &Region<'_>, writes: &[PlannedWrite]) -> Option<(u32, u64)> {
    let text = region.text.range().start;
    let branches = region.branches.iter();
    let branches = branches.map(|(at, record)| (record.site_address(at), 1));
    let alternatives = region.alternatives.iter();
    let alternatives =
        alternatives.map(|(at, record)| (record.site_address(at), u64::from(record.site_len)));
    branches.chain(alternatives).find_map(|(site, len)| {
        let start = site.wrapping_sub(text);
        let after = writes.partition_point(|write| u64::from(write.offset) + 4 <= start);
        let write = writes.get(after)?;
        let is_inside = u64::from(write.offset) < start.saturating_add(4 * len);
        is_inside.then_some((write.offset, site))
    })
}
