//! The words of one arm of an alternative: compared with the site, and planned.

use core::mem::MaybeUninit;
use core::{mem, slice};

use crate::insn::{Class, Form, Insn};
use crate::patch::callback;
use crate::patch::error::Reason;
use crate::patch::replacement;
use crate::record::AlternativeRecord;
use crate::region::{Region, Words};
use crate::room::PlannedWrite;

/// The room of a plan that is not used yet.
#[derive(Default)]
pub(super) struct Entries<'p> {
    pub rest: slice::IterMut<'p, MaybeUninit<PlannedWrite>>,
    /// Words that change, and for which there was no room.
    pub without_room: usize,
}

impl Entries<'_> {
    /// Adds a write to the plan.
    #[inline(always)]
    pub fn push(&mut self, write: PlannedWrite) {
        match self.rest.next() {
            Some(entry) => _ = entry.write(write),
            None => self.without_room += 1,
        }
    }
}

/// An arm to look at.
#[derive(Clone, Copy)]
pub(super) struct Alternative<'a> {
    pub region: &'a Region<'a>,
    pub record: &'a AlternativeRecord,
    /// Address of the record.
    pub at: u64,
    /// The words of the site.
    pub site: Words<'a>,
    /// The arm wins: its words are planned.
    pub wins: bool,
    /// The arm is checked for a first pass: the site holds no breakpoint.
    pub is_first_pass: bool,
}

impl Alternative<'_> {
    /// Computes and checks the words of the arm. If it wins, writes an entry for each word that
    /// changes, or counts it where there is no room.
    ///
    /// Returns whether a word changes.
    #[inline(always)]
    pub fn plan(&self, entries: &mut Entries<'_>) -> Result<bool, Reason> {
        let (region, record) = (self.region, self.record);
        if record.condition.is_callback() && record.replacement_len != 0 {
            let (rest, is_changed) = (*self).plan_callback(mem::take(entries))?;
            *entries = rest;
            return Ok(is_changed);
        }
        let words = replacement::find(region, record, self.at)?;
        let (site, len) = (self.site.range().start, record.site_len);
        self.plan_words(entries, |index| {
            replacement::word(region, &words, site, len, index)
        })
    }

    // Out of line, with the entries by value: see `plan::plan`.
    #[inline(never)]
    fn plan_callback<'p>(self, mut entries: Entries<'p>) -> Result<(Entries<'p>, bool), Reason> {
        if self.is_first_pass {
            for (index, old) in self.site.iter().enumerate() {
                refuse_breakpoint(index, old, None)?;
            }
        }
        let callback = callback::find(&self.region.callbacks, self.record, self.at)?;
        if !self.wins {
            return Ok((entries, false));
        }
        let mut words = [Insn::NOP; callback::MAX_LEN];
        callback::compute(callback, self.site, &mut words)?;
        let word = |index| Ok(words.get(index).copied().unwrap_or(Insn::NOP));
        let is_changed = self.plan_words(&mut entries, word)?;
        Ok((entries, is_changed))
    }

    /// Plans the words that `word` returns by index.
    #[inline(always)]
    fn plan_words(
        &self,
        entries: &mut Entries<'_>,
        word: impl Fn(usize) -> Result<Insn, Reason>,
    ) -> Result<bool, Reason> {
        let site = self.site.range().start;
        let is_aliased = self.region.text.is_aliased();
        let start = site.wrapping_sub(self.region.text.start()) as u32;
        let mut is_changed = false;
        for (index, old) in self.site.iter().enumerate() {
            let new = word(index)?;
            if is_aliased {
                refuse_leaving(self.region, site, index, new)?;
            }
            if self.is_first_pass {
                // The arm's own BRK may be there already, from an earlier pass.
                refuse_breakpoint(index, old, Some(new))?;
            }
            if self.wins && old != new {
                entries.push(PlannedWrite::new(start + 4 * index as u32, old, new));
                is_changed = true;
            }
        }
        Ok(is_changed)
    }
}

/// Refuses a breakpoint in a site, unless it is the arm's word `new` for the same place.
#[inline(always)]
fn refuse_breakpoint(index: usize, old: Insn, new: Option<Insn>) -> Result<(), Reason> {
    match old.is_breakpoint() && Some(old) != new {
        true => Err(Reason::Breakpoint {
            index: index as u8,
            word: old,
        }),
        false => Ok(()),
    }
}

/// Refuses `word`, the instruction `index` of the site at `site`, if it refers to something outside
/// of a range that also executes at another address.
///
/// A PC-relative instruction has another target at each address at which it executes. Within a
/// range that moves as a whole all are right; a reference out of the range is right at one of the
/// addresses only.
#[cold]
#[inline(never)]
pub(super) fn refuse_leaving(
    region: &Region<'_>,
    site: u64,
    index: usize,
    word: Insn,
) -> Result<(), Reason> {
    let Some(range) = region.text.range_of(site) else {
        return Ok(());
    };
    let (Some(alias), Class::Relative(relative)) = (range.alias(), word.classify()) else {
        return Ok(());
    };
    let target = relative.target(site.wrapping_add(4 * index as u64));
    let words = range.words();
    // A branch may go to the end of the last word; ADRP names a page.
    let is_inside = match relative.form {
        Form::Adrp => range.shares_page(target),
        _ => words.holds(target) || target == words.range().end,
    };
    match is_inside {
        true => Ok(()),
        false => Err(Reason::LeavesAliasedRange {
            index: index as u8,
            word,
            target,
            alias,
        }),
    }
}
