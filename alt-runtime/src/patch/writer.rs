//! From arms to planned writes.

use core::mem::MaybeUninit;
use core::ops::Range;

use crate::insn::Insn;
use crate::patch::aliased;
use crate::patch::computed::{self, MAX_LEN};
use crate::patch::error::Reason;
use crate::patch::replacement::Replacement;
use crate::patch::site::Record;
use crate::record::{AlternativeRecord, BranchRecord};
use crate::region::{Region, Table, Text, Words};
use crate::room::PlannedWrite;

/// Turns arms into writes.
pub(super) struct Writer<'a, 'p> {
    region: &'a Region<'a>,
    /// Memory for all writes.
    room: &'p mut [MaybeUninit<PlannedWrite>],
    /// Number of writes so far.
    words: usize,
    /// Those that are not the first one of their site.
    further: usize,
    /// Sites so far that an arm applies to, and does not change.
    unchanged: u32,
}

impl<'a, 'p> Writer<'a, 'p> {
    pub fn new(region: &'a Region<'a>, room: &'p mut [MaybeUninit<PlannedWrite>]) -> Self {
        // A write has 32 bits for its place.
        Self {
            region,
            room: if region.text.is_short() {
                room
            } else {
                &mut []
            },
            words: 0,
            further: 0,
            unchanged: 0,
        }
    }

    pub fn text(&self) -> Text<'a> {
        self.region.text
    }

    pub fn replacements(&self) -> Words<'a> {
        self.region.replacements
    }

    /// Number of writes so far.
    pub fn words(&self) -> usize {
        self.words
    }

    /// The writes.
    pub fn into_writes(self) -> &'p mut [PlannedWrite] {
        let writes = self.room.get_mut(..self.words).unwrap_or_default();
        // SAFETY: so many entries have been written.
        unsafe { &mut *(&raw mut *writes as *mut [PlannedWrite]) }
    }

    /// Memory for the writes that follow.
    pub fn room(&mut self) -> &mut [MaybeUninit<PlannedWrite>] {
        self.room.get_mut(self.words..).unwrap_or_default()
    }

    /// Goes on behind the first `words` entries of the [`room`](Self::room), of which
    /// `further` are not the first one of their site.
    ///
    /// # Safety
    /// They must have been written.
    pub unsafe fn took(&mut self, words: usize, further: usize) {
        self.words += words;
        self.further += further;
    }

    /// Takes back the last `len` writes, which are all words of one site.
    pub fn take_back(&mut self, len: u8) {
        let len = usize::from(len);
        self.words = self.words.saturating_sub(len);
        self.further = self.further.saturating_sub(len.saturating_sub(1));
    }

    /// Number of sites that change.
    pub fn rewritten(&self) -> u32 {
        u32::try_from(self.words() - self.further).unwrap_or(u32::MAX)
    }

    /// Number of sites that an arm applies to.
    pub fn applied(&self) -> u32 {
        self.rewritten().saturating_add(self.unchanged)
    }

    /// Does all for the site of a branch.
    pub fn rewrite_branch(&mut self, site: u64, record: &BranchRecord) -> Result<(), Reason> {
        let (old, new) = branch_words(self.region, site, record)?;
        if old == new {
            self.unchanged += 1;
            return Ok(());
        }
        self.push(self.offset(site), old, new)
    }

    /// Does all for the site of an alternative, whose record is at `at`.
    pub fn rewrite_alternative(
        &mut self,
        site: u64,
        at: u64,
        record: &AlternativeRecord,
    ) -> Result<(), Reason> {
        if record.condition.is_callback() && record.replacement_len != 0 {
            return self.compute(site, at, record);
        }
        let replacement = Replacement::new(self.region, at, record, site)?;
        self.write(site, record.site_len, |index| replacement.word(index))
    }

    // Out of line, so that only a callback takes the stack that it needs.
    #[inline(never)]
    fn compute(&mut self, site: u64, at: u64, record: &AlternativeRecord) -> Result<(), Reason> {
        // Most are short.
        match record.site_len {
            0..=8 => self.fill::<8>(site, at, record),
            _ => self.fill::<MAX_LEN>(site, at, record),
        }
    }

    fn fill<const LEN: usize>(
        &mut self,
        site: u64,
        at: u64,
        record: &AlternativeRecord,
    ) -> Result<(), Reason> {
        let mut words = [Insn::NOP; LEN];
        computed::compute(self.region, at, record, site, &mut words)?;
        let word = |index| words.get(usize::from(index)).copied();
        self.write(site, record.site_len, |index| {
            Ok(word(index).unwrap_or(Insn::NOP))
        })
    }

    /// Plans the words of a site.
    #[inline]
    fn write(
        &mut self,
        site: u64,
        len: u8,
        word: impl Fn(u8) -> Result<Insn, Reason>,
    ) -> Result<(), Reason> {
        let words = self.words();
        let range = self.region.text.range_of(site);
        let old = range.and_then(|range| range.words().part(site, len));
        let (Some(range), Some(old)) = (range, old) else {
            return Err(outside(&self.region.text, len));
        };
        let mut offset = self.offset(site);
        for (old, index) in old.iter().zip(0..) {
            let new = word(index)?;
            if range.alias().is_some() {
                aliased::check(range, index, site.wrapping_add(4 * u64::from(index)), new)?;
            }
            if old != new {
                self.push(offset, old, new)?;
            }
            offset = offset.wrapping_add(4);
        }
        match self.words() - words {
            0 => self.unchanged += 1,
            changed => self.further += changed - 1,
        }
        Ok(())
    }

    /// Where a site is in the text, which has 4 GiB at most where there is any room.
    fn offset(&self, site: u64) -> u32 {
        site.wrapping_sub(self.region.text.range().start) as u32
    }

    fn push(&mut self, offset: u32, old: Insn, new: Insn) -> Result<(), Reason> {
        let room = self.room.len();
        let Some(entry) = self.room.get_mut(self.words) else {
            let needed = words_of_sites(self.region);
            return Err(Reason::PlanTooSmall { room, needed });
        };
        entry.write(PlannedWrite::new(offset, old, new));
        self.words += 1;
        Ok(())
    }
}

/// What the site of a branch holds, and what it becomes. A branch that is there already may
/// leave the text, one that is written may not.
// Inlined, as the next one: their errors are large, and a call returns them through memory.
#[inline(always)]
pub(super) fn branch_words(
    region: &Region<'_>,
    site: u64,
    record: &BranchRecord,
) -> Result<(Insn, Insn), Reason> {
    let found = region.text.get(site);
    let found = found.ok_or_else(|| outside(&region.text, 1))?;
    let branch = Insn::branch_by(record.displacement);
    let (expected, new) = if record.condition.is_likely() {
        (branch, Insn::NOP)
    } else {
        check_target(region, site, record)?;
        (Insn::NOP, branch)
    };
    if found != expected && found != new {
        return Err(Reason::UnexpectedWord { found, expected });
    }
    Ok((found, new))
}

/// Whether a branch stays in the text, and in a range that executes elsewhere as well.
#[inline(always)]
pub(super) fn check_target(
    region: &Region<'_>,
    site: u64,
    record: &BranchRecord,
) -> Result<(), Reason> {
    let target = site.wrapping_add_signed(4 * i64::from(record.displacement));
    if !region.text.holds(target) {
        return Err(Reason::BranchOutsideText { target });
    }
    if region.text.only().is_some() {
        return Ok(());
    }
    match region.text.range_of(site) {
        Some(range) => aliased::check(range, 0, site, Insn::branch_by(record.displacement)),
        None => Err(outside(&region.text, 1)),
    }
}

/// That a site of `len` words is not in the text.
#[cold]
pub(super) fn outside(text: &Text<'_>, len: u8) -> Reason {
    let Range { start, end } = text.range();
    Reason::SiteOutsideText { len, start, end }
}

/// Number of words of all sites.
#[cold]
fn words_of_sites(region: &Region<'_>) -> usize {
    fn words<R: Record>(table: Table<'_, R>) -> usize {
        let mut before = None;
        let lens = table.iter().map(|(at, record)| {
            let is_arm = before.replace(record.site(at)) == Some(record.site(at));
            if is_arm { 0 } else { usize::from(record.len()) }
        });
        lens.sum()
    }
    words(region.branches) + words(region.alternatives)
}
