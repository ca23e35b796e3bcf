//! What a site of the usual kinds becomes, for the loop in [`quick`](super::quick).

use core::ops::Range;
use core::sync::atomic::AtomicU32;

use crate::insn::{Insn, Sight};
use crate::record::{AlternativeRecord, BranchRecord};
use crate::region::{Words, read};
use crate::room::PlannedWrite;

/// The same value, of which the compiler knows nothing any more. It would else compute further
/// sums of a loop's variables, or constants, again in each turn, for which there are no
/// registers; with a name, that two ways end differently, of which it would else make one with
/// choices in it.
macro_rules! opaque {
    ($value:expr) => {
        opaque!($value, "")
    };
    ($value:expr, $name:literal) => {{
        #[allow(unused_mut, reason = "changed on one architecture only")]
        let mut value = $value;
        #[cfg(all(target_arch = "aarch64", not(miri)))]
        #[allow(
            asm_sub_register,
            clippy::pointers_in_nomem_asm_block,
            reason = "no instruction uses it"
        )]
        // SAFETY: there is no instruction.
        unsafe {
            core::arch::asm!(
                concat!("/* {0} ", $name, " */"),
                inout(reg) value,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        value
    }};
}
pub(super) use opaque;

/// Words and how they are reached in the loop.
///
/// Addresses there are what the place of a branch record in memory plus its offset gives, so
/// that branches, most of all records, need no other sum. They differ from those at which
/// things run by one distance, which is 0 in a kernel that patches itself.
#[derive(Clone, Copy)]
pub(super) struct View {
    pub start: u64,
    pub words: u64,
    /// The word at the address 0, if there were one.
    base: *const AtomicU32,
}

impl View {
    pub fn new(words: Words<'_>, shift: u64) -> Self {
        let start = words.range().start.wrapping_sub(shift);
        Self {
            start,
            words: words.len() as u64,
            base: words.as_ptr().wrapping_byte_sub(start as usize),
        }
    }

    /// Whether the byte at `address` lies inside.
    #[inline(always)]
    fn holds(&self, address: u64) -> bool {
        address.wrapping_sub(self.start) < 4 * self.words
    }

    /// The word at `address`.
    ///
    /// # Safety
    /// It must be one of these words.
    #[inline(always)]
    unsafe fn at(&self, address: u64) -> Insn {
        // SAFETY: the caller's promise.
        unsafe { word_at(self.base, address) }
    }
}

/// The word so many bytes from `base` on.
///
/// # Safety
/// It must be one of [`Words`].
#[inline(always)]
unsafe fn word_at(base: *const AtomicU32, offset: u64) -> Insn {
    // SAFETY: the caller's promise.
    unsafe { read(base.wrapping_byte_add(offset as usize)) }
}

/// What a site becomes.
pub(super) struct Rewrite {
    text: View,
    /// The first word of the replacements, and how many there are.
    replacements: *const AtomicU32,
    words: u64,
    /// Address of the first word, as the loop has it.
    start: u64,
    /// From the place of an alternative's record to where its replacement is among all, but
    /// for the distance that the record holds.
    shift: u64,
    nop: Insn,
    sight: &'static Sight,
}

impl Rewrite {
    /// Alternatives are linked `linked` further on than they are; the loop counts from `shift`.
    pub fn new(text: View, replacements: Words<'_>, linked: u64, shift: u64) -> Self {
        let start = replacements.range().start;
        Self {
            text,
            replacements: replacements.as_ptr(),
            words: replacements.len() as u64,
            start: start.wrapping_sub(shift),
            shift: linked.wrapping_sub(start),
            nop: Insn::NOP,
            sight: Insn::SIGHT,
        }
    }

    /// The same, of which the compiler makes no constants.
    #[inline(always)]
    pub fn in_registers(&self) -> Self {
        let sight = opaque!(&raw const *self.sight);
        Self {
            nop: Insn(opaque!(self.nop.0)),
            // SAFETY: `opaque!` returns the pointer unchanged, so it points to the same table.
            sight: unsafe { &*sight },
            ..*self
        }
    }

    fn write(&self, site: u64, old: Insn, new: Insn) -> PlannedWrite {
        PlannedWrite::new(site.wrapping_sub(self.text.start) as u32, old, new)
    }

    /// Puts down that of a branch at `to`, if it holds what the record implies, and a B that is
    /// written stays in the text; answers where the next one goes.
    ///
    /// # Safety
    /// The site must lie in the text, and there must be room.
    #[inline(always)]
    pub unsafe fn flip(
        &self,
        site: u64,
        record: &BranchRecord,
        to: *mut PlannedWrite,
    ) -> Option<*mut PlannedWrite> {
        let branch = Insn::branch_by(record.displacement);
        // SAFETY: the caller's promise.
        let found = unsafe { self.text.at(site) };
        if record.condition.is_likely() {
            if found != branch {
                return None;
            }
            // SAFETY: the caller's promise.
            unsafe { to.write(self.write(site, branch, self.nop)) };
            Some(opaque!(to.wrapping_add(1), "likely"))
        } else {
            let target = site.wrapping_add_signed(4 * i64::from(record.displacement));
            if found != self.nop || !self.text.holds(target) {
                return None;
            }
            // SAFETY: the caller's promise.
            unsafe { to.write(self.write(site, self.nop, branch)) };
            Some(opaque!(to.wrapping_add(1), "unlikely"))
        }
    }

    /// Where the replacement of a record is: bytes from the first of all.
    #[inline(always)]
    pub fn place_of(&self, record: &AlternativeRecord) -> u64 {
        record.replacement_address((&raw const *record as u64).wrapping_add(self.shift))
    }

    /// Whether there are `len` words of replacement at `from`.
    #[inline(always)]
    pub fn has(&self, from: u64, len: u64) -> bool {
        // Rotated, a distance that is no multiple of 4 is higher than any index.
        let index = from.rotate_right(2);
        index < self.words && (len == 1 || len <= self.words - index)
    }

    /// That of one word, from a replacement, if it changes, and either means the same
    /// everywhere or is a B to somewhere else.
    ///
    /// # Safety
    /// The words must lie in the text and among the replacements.
    #[inline(always)]
    pub unsafe fn copy(&self, site: u64, from: u64) -> Option<PlannedWrite> {
        // SAFETY: the caller's promise.
        let (old, word) = unsafe { (self.text.at(site), word_at(self.replacements, from)) };
        let new = match word.is_ordinary_by(self.sight) {
            true => word,
            false => self.aim(word, site, from)?,
        };
        (old != new).then(|| self.write(site, old, new))
    }

    /// Puts down those of a site at `to`, if all its words change, and those of the replacement
    /// mean the same everywhere; answers where the next one goes.
    ///
    /// # Safety
    /// The words must lie in the text and among the replacements, and there must be room.
    #[inline(always)]
    pub unsafe fn copy_all(
        &self,
        site: Range<u64>,
        from: u64,
        mut to: *mut PlannedWrite,
    ) -> Option<*mut PlannedWrite> {
        let text = self.text.base.wrapping_byte_add(self.text.start as usize);
        let mut offset = site.start.wrapping_sub(self.text.start);
        let end = site.end.wrapping_sub(self.text.start);
        let from = self
            .replacements
            .wrapping_byte_add(from.wrapping_sub(offset) as usize);
        while offset != end {
            // SAFETY: the caller's promise.
            let (old, new) = unsafe { (word_at(text, offset), word_at(from, offset)) };
            if old == new || !new.is_ordinary_by(self.sight) {
                return None;
            }
            // SAFETY: the caller's promise.
            unsafe { to.write(PlannedWrite::new(offset as u32, old, new)) };
            to = opaque!(to.wrapping_add(1));
            offset = opaque!(offset.wrapping_add(4));
        }
        Some(to)
    }

    #[inline(always)]
    fn aim(&self, word: Insn, site: u64, from: u64) -> Option<Insn> {
        let target = from.wrapping_add_signed(word.branch_displacement()?);
        // The end of the replacements is that of the last one, and not somewhere else.
        if target <= 4 * self.words {
            return None;
        }
        // Site and replacement are aligned, and so is what a B adds.
        let bytes = self.start.wrapping_add(target).wrapping_sub(site);
        Insn::branch_over(bytes.cast_signed())
    }
}
