//! The words of one arm of an alternative: compared with the site, and planned.

use core::mem::MaybeUninit;
use core::{mem, slice};

use crate::insn::Insn;
use crate::patch::callback;
use crate::patch::error::Reason;
use crate::patch::replacement::{self, breakpoint, refuse_leaving};
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
    /// Changes with each write that is added.
    #[inline(always)]
    pub fn mark(&self) -> (usize, usize) {
        (self.rest.len(), self.without_room)
    }

    /// Adds a write to the plan.
    #[inline(always)]
    pub fn push(&mut self, write: PlannedWrite) {
        match self.rest.next() {
            Some(entry) => _ = entry.write(write),
            None => self.without_room += 1,
        }
    }

    /// Adds the writes of the words that the callback at `address` computes for `site`, if the arm wins.
    /// Returns whether a word changes.
    #[inline(always)]
    pub fn callback(
        &mut self,
        region: &Region<'_>,
        address: u64,
        site: Words<'_>,
        wins: bool,
        is_first_pass: bool,
    ) -> Result<bool, Reason> {
        let room = mem::take(&mut self.rest).into_slice();
        // Nothing is planned if there is too little room for the words of the site.
        let (planned, needed) = match room.len() < site.len() && wins {
            true => (0, site.len()),
            false => {
                let planned = callback::plan(region, address, site, wins, is_first_pass, room)?;
                (planned, planned)
            }
        };
        self.rest = room.get_mut(planned..).unwrap_or(&mut []).iter_mut();
        self.without_room += needed - planned;
        Ok(needed != 0)
    }
}

/// An arm to check.
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
        let record = self.record;
        if record.condition.is_callback() && record.replacement_len != 0 {
            return self.plan_callback(entries);
        }
        let before = entries.mark();
        let first = self.plan_quickly(entries);
        if first < self.site.len() {
            let room = mem::take(&mut entries.rest).into_slice();
            let (wins, is_first_pass) = (self.wins, self.is_first_pass);
            let words = plan_others(
                self.region,
                record,
                self.at,
                first,
                wins,
                is_first_pass,
                room,
            )?;
            let planned = words.min(room.len());
            entries.rest = room.get_mut(planned..).unwrap_or(&mut []).iter_mut();
            entries.without_room += words - planned;
        }
        Ok(entries.mark() != before)
    }

    /// Plans the frequent forms of words, up to the first word of another form or that cannot be
    /// planned. Returns the number of planned words.
    #[inline(always)]
    fn plan_quickly(&self, entries: &mut Entries<'_>) -> usize {
        let region = self.region;
        let Some(words) = replacement::find_quickly(region, self.record, self.at) else {
            return 0;
        };
        if region.text.is_aliased() {
            return 0;
        }
        let site = self.site.range().start;
        let mut offset = site.wrapping_sub(region.text.start()) as u32;
        for (index, (old, word)) in self.site.iter().zip(words.iter()).enumerate() {
            let new = match word.is_plain() || replacement::is_nop(words, index, word) {
                true => word,
                false => match replacement::move_branch(region, words, site, index, word) {
                    Some(moved) => moved,
                    None => return index,
                },
            };
            if !self.plan_word(entries, offset, old, new) {
                return index;
            }
            offset += 4;
        }
        let mut index = words.len();
        while let Some(old) = self.site.word(index) {
            let new = replacement::padding(self.site.len() - index, index == words.len());
            if !self.plan_word(entries, offset, old, new) {
                return index;
            }
            (index, offset) = (index + 1, offset + 4);
        }
        index
    }

    /// Plans `new` in the place of `old`, at `offset` in the text, if the arm wins. Returns whether
    /// the word can be planned.
    #[inline(always)]
    fn plan_word(&self, entries: &mut Entries<'_>, offset: u32, old: Insn, new: Insn) -> bool {
        // The arm's own BRK may be there already, from an earlier pass.
        if old == new {
            return true;
        }
        if self.is_first_pass && old.is_breakpoint() {
            return false;
        }
        if self.wins {
            entries.push(PlannedWrite::new(offset, old, new));
        }
        true
    }

    /// The same for an arm whose words a callback computes.
    #[inline(always)]
    pub fn plan_callback(&self, entries: &mut Entries<'_>) -> Result<bool, Reason> {
        let address = callback::address(self.record, self.at)?;
        let (wins, is_first_pass) = (self.wins, self.is_first_pass);
        entries.callback(self.region, address, self.site, wins, is_first_pass)
    }
}

/// Plans the words of an arm from number `first` on, of any instruction form. Returns the number of
/// words that change, also if there is no room for all of them.
// Out of line, with values, and finds the words again: see `walk::walk`.
#[cold]
#[inline(never)]
fn plan_others(
    region: &Region<'_>,
    record: &AlternativeRecord,
    at: u64,
    first: usize,
    wins: bool,
    is_first_pass: bool,
    room: &mut [MaybeUninit<PlannedWrite>],
) -> Result<usize, Reason> {
    let words = replacement::find(region, record, at)?;
    let site = record.site_address(at);
    let arm = Alternative {
        region,
        record,
        at,
        // The walk has found it before.
        site: region.text.part(site, record.site_len).unwrap_or(words),
        wins,
        is_first_pass,
    };
    let available = room.len();
    let mut entries = Entries {
        rest: room.iter_mut(),
        without_room: 0,
    };
    let start = site.wrapping_sub(region.text.start()) as u32;
    for (index, old) in arm.site.iter().enumerate().skip(first) {
        let new = match words.word(index) {
            Some(word) => replacement::word(region, words, site, index, word)?,
            None => replacement::padding(arm.site.len() - index, index == words.len()),
        };
        if region.text.is_aliased() {
            refuse_leaving(region, site, index, new)?;
        }
        if !arm.plan_word(&mut entries, start + 4 * index as u32, old, new) {
            return Err(breakpoint(index, old));
        }
    }
    Ok(available - entries.rest.len() + entries.without_room)
}
