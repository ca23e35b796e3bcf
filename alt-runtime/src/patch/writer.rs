//! From arms to planned writes.

use core::mem::{self, MaybeUninit};

use crate::arch::Write;
use crate::insn::Insn;
use crate::patch::computed::{Computed, MAX_LEN};
use crate::patch::error::Reason;
use crate::patch::replacement::Replacement;
use crate::record::{AlternativeRecord, BranchRecord};
use crate::region::{Region, Words};

/// Turns arms into writes.
pub(super) struct Writer<'a, 'p> {
    region: &'a Region<'a>,
    // What each site needs of the region, so that it stays in registers.
    text: Words<'a>,
    replacements: Words<'a>,
    /// Memory for the writes that follow.
    room: &'p mut [MaybeUninit<Write>],
    /// Number of writes that there was room for.
    all: usize,
    /// Those that are not the first one of their site.
    further: usize,
    /// Sites so far that an arm applies to, and does not change.
    unchanged: u32,
}

impl<'a, 'p> Writer<'a, 'p> {
    pub fn new(region: &'a Region<'a>, room: &'p mut [MaybeUninit<Write>]) -> Self {
        // A write has 32 bits for its place.
        let is_short = region.text.len() <= 1 << 30;
        let room = if is_short { room } else { &mut [] };
        Self {
            region,
            text: region.text,
            replacements: region.replacements,
            all: room.len(),
            room,
            further: 0,
            unchanged: 0,
        }
    }

    /// Number of writes so far.
    pub fn words(&self) -> usize {
        self.all - self.room.len()
    }

    /// Number of sites that change.
    pub fn rewritten(&self) -> u32 {
        u32::try_from(self.words() - self.further).unwrap_or(u32::MAX)
    }

    /// Number of sites that an arm applies to.
    pub fn applied(&self) -> u32 {
        self.rewritten().saturating_add(self.unchanged)
    }

    /// Does all for the site of a branch in the usual case, that it holds what the record
    /// implies. In any other case, nothing has been done.
    ///
    /// # Safety
    /// The site must lie in the text.
    #[inline(always)]
    pub unsafe fn flip(&mut self, site: u64, record: &BranchRecord) -> Option<()> {
        let displacement = i64::from(record.displacement);
        if !self.text.holds(site.wrapping_add_signed(4 * displacement)) {
            return None;
        }
        // SAFETY: the caller's promise.
        let found = unsafe { self.text.at(site) };
        let branch = Insn::branch(0, (4 * displacement) as u64).ok()?;
        // Both ways in full, which is shorter than to choose among words.
        if record.condition.is_likely() {
            (found == branch).then_some(())?;
            self.put(site, found, Insn::NOP)
        } else {
            (found == Insn::NOP).then_some(())?;
            self.put(site, found, branch)
        }
    }

    /// Does all for the site of a branch.
    #[cold]
    #[inline(never)]
    pub fn rewrite_branch(&mut self, site: u64, record: &BranchRecord) -> Result<(), Reason> {
        let (old, new) = branch_words(self.region, site, record)?;
        if old == new {
            self.unchanged += 1;
            return Ok(());
        }
        self.push(self.offset(site), old, new)
    }

    /// Does all for the site of an alternative, whose record is at `at`, in the most usual
    /// case: the replacement is as long as the site, and each of its words differs from
    /// what is there. In any other case, nothing has been done.
    ///
    /// # Safety
    /// The site must lie in the text, with all its words.
    #[inline(always)]
    pub unsafe fn copy(&mut self, site: u64, at: u64, record: &AlternativeRecord) -> Option<()> {
        let len = record.site_len;
        if record.condition.is_callback() || record.replacement_len != len {
            return None;
        }
        let start = record.replacement_address(at);
        if len == 1 {
            let word = self.replacements.get(start)?;
            // SAFETY: the caller's promise.
            let old = unsafe { self.text.at(site) };
            let new = match word.is_ordinary() {
                true => word,
                false => aimed(self.region, (start, len), site, self.offset(site), word)?,
            };
            return match old == new {
                true => None,
                false => self.put(site, old, new),
            };
        }
        let new = self.replacements.part(start, len)?;
        let room = self.room.get_mut(..usize::from(len))?;
        let mut to = site;
        for (entry, word) in room.iter_mut().zip(new.iter()) {
            // SAFETY: there are as many words as at the site, which lies in the text.
            let old = unsafe { self.text.at(to) };
            let offset = to.wrapping_sub(self.text.range().start) as u32;
            let new = match word.is_ordinary() {
                true => word,
                false => aimed(self.region, (start, len), site, offset, word)?,
            };
            if old == new {
                return None;
            }
            entry.write(Write::new(offset, old, new));
            to = to.wrapping_add(4);
        }
        self.take(len.into());
        self.further += usize::from(len).wrapping_sub(1);
        Some(())
    }

    /// Does all for the site of an alternative, whose record is at `at`.
    #[cold]
    #[inline(never)]
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
            0..=8 => {
                let computed = Computed::<8>::new(self.region, at, record, site)?;
                self.write(site, record.site_len, |index| Ok(computed.word(index)))
            }
            _ => {
                let computed = Computed::<MAX_LEN>::new(self.region, at, record, site)?;
                self.write(site, record.site_len, |index| Ok(computed.word(index)))
            }
        }
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
        let old = self.region.text.part(site, len);
        let old = old.ok_or(Reason::SiteOutsideText { len })?;
        let mut offset = self.offset(site);
        for (old, index) in old.iter().zip(0..) {
            let new = word(index)?;
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

    /// Plans the only word of a site, if there is room.
    #[inline(always)]
    fn put(&mut self, site: u64, old: Insn, new: Insn) -> Option<()> {
        let write = Write::new(self.offset(site), old, new);
        self.room.first_mut()?.write(write);
        self.take(1);
        Some(())
    }

    /// Goes on behind so much of the room.
    #[inline(always)]
    fn take(&mut self, count: usize) {
        self.room = mem::take(&mut self.room)
            .get_mut(count..)
            .unwrap_or_default();
    }

    /// Where a site is in the text, which has 4 GiB at most where there is any room.
    #[inline(always)]
    fn offset(&self, site: u64) -> u32 {
        site.wrapping_sub(self.text.range().start) as u32
    }

    #[inline(always)]
    fn push(&mut self, offset: u32, old: Insn, new: Insn) -> Result<(), Reason> {
        let Some(entry) = self.room.first_mut() else {
            return Err(Reason::PlanTooSmall { room: self.all });
        };
        entry.write(Write::new(offset, old, new));
        self.take(1);
        Ok(())
    }
}

/// A word of the replacement with this start and length, re-aimed to where it goes; none if
/// it cannot be.
#[cold]
#[inline(never)]
fn aimed(
    region: &Region<'_>,
    (start, len): (u64, u8),
    site: u64,
    offset: u32,
    word: Insn,
) -> Option<Insn> {
    let to = region.text.range().start.wrapping_add(offset.into());
    let from = start.wrapping_add(to.wrapping_sub(site));
    // Most are a B to somewhere else, which is short to tell. The end of the replacements
    // is that of the last one, and not somewhere else.
    if let Some(displacement) = word.branch_displacement() {
        let target = from.wrapping_add_signed(displacement);
        if !region.replacements.holds(target.wrapping_sub(1)) && !region.replacements.holds(target)
        {
            return Insn::branch(to, target).ok();
        }
    }
    let index = (to.wrapping_sub(site) / 4) as u8;
    let replacement = Replacement::found(region, start, len, site)?;
    replacement.aimed(index, word).ok()
}

/// What the site of a branch holds, and what it becomes.
pub(super) fn branch_words(
    region: &Region<'_>,
    site: u64,
    record: &BranchRecord,
) -> Result<(Insn, Insn), Reason> {
    let outside = Reason::SiteOutsideText { len: 1 };
    let found = region.text.get(site).ok_or(outside)?;
    let displacement = i64::from(record.displacement);
    let target = site.wrapping_add_signed(4 * displacement);
    if !region.text.holds(target) {
        return Err(Reason::BranchOutsideText { target });
    }
    // 16 bits of displacement are always within reach of a B.
    let Ok(branch) = Insn::branch(site, target) else {
        return Err(Reason::BranchOutsideText { target });
    };
    let (expected, new) = if record.condition.is_likely() {
        (branch, Insn::NOP)
    } else {
        (Insn::NOP, branch)
    };
    if found != expected && found != new {
        return Err(Reason::UnexpectedWord { found, expected });
    }
    Ok((found, new))
}
