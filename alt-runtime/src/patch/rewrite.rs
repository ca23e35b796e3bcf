//! What a site of the usual kinds becomes, for the loop in [`quick`](super::quick).

use crate::arch::Write;
use crate::insn::Insn;
use crate::record::BranchRecord;
use crate::region::Words;

/// The same value, of which the compiler knows nothing any more. It would else compute further
/// sums of a loop's variables, or constants, again in each turn, for which there are no
/// registers.
macro_rules! opaque {
    ($value:expr) => {{
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
                "/* {0} */",
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
    base: *const u32,
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
        // SAFETY: by the caller's promise, and as in `Words`.
        let word = unsafe {
            self.base
                .wrapping_byte_add(address as usize)
                .read_volatile()
        };
        Insn(u32::from_le(word))
    }
}

/// What a site becomes.
pub(super) struct Rewrite {
    text: View,
    replacements: View,
    nop: Insn,
    sight: &'static [u8; 256],
}

impl Rewrite {
    pub fn new(text: View, replacements: View) -> Self {
        Self {
            text,
            replacements,
            nop: Insn::NOP,
            sight: Insn::SIGHT,
        }
    }

    /// The same, of which the compiler makes no constants.
    #[inline(always)]
    pub fn in_registers(&self) -> Self {
        let sight = opaque!(&raw const *self.sight);
        Self {
            text: self.text,
            replacements: self.replacements,
            nop: Insn(opaque!(self.nop.0)),
            // SAFETY: it is what it was.
            sight: unsafe { &*sight },
        }
    }

    fn write(&self, site: u64, old: Insn, new: Insn) -> Write {
        Write::new(site.wrapping_sub(self.text.start) as u32, old, new)
    }

    /// That of a branch, and whether it holds what the record implies and stays in the text.
    ///
    /// # Safety
    /// The site must lie in the text.
    #[inline(always)]
    pub unsafe fn flip(&self, site: u64, record: &BranchRecord) -> (Write, bool) {
        let branch = Insn::branch_by(record.displacement);
        let (old, new) = match record.condition.is_likely() {
            true => (branch, self.nop),
            false => (self.nop, branch),
        };
        // SAFETY: the caller's promise.
        let found = unsafe { self.text.at(site) };
        let target = site.wrapping_add_signed(4 * i64::from(record.displacement));
        let is_usual = (found == old) & self.text.holds(target);
        (self.write(site, old, new), is_usual)
    }

    /// That of one word, from a replacement, if it changes, and either means the same
    /// everywhere or is a B to somewhere else.
    ///
    /// # Safety
    /// The words must lie in the text and among the replacements.
    #[inline(always)]
    pub unsafe fn copy(&self, site: u64, from: u64) -> Option<Write> {
        // SAFETY: the caller's promise.
        let (old, word) = unsafe { (self.text.at(site), self.replacements.at(from)) };
        let new = match word.is_ordinary_by(self.sight) {
            true => word,
            false => self.aim(word, site, from)?,
        };
        (old != new).then(|| self.write(site, old, new))
    }

    /// The same of one that means the same everywhere.
    ///
    /// # Safety
    /// The words must lie in the text and among the replacements.
    #[inline(always)]
    pub unsafe fn copy_ordinary(&self, site: u64, from: u64) -> Option<Write> {
        // SAFETY: the caller's promise.
        let (old, new) = unsafe { (self.text.at(site), self.replacements.at(from)) };
        let is_usual = new.is_ordinary_by(self.sight) && old != new;
        is_usual.then(|| self.write(site, old, new))
    }

    #[inline(always)]
    fn aim(&self, word: Insn, site: u64, from: u64) -> Option<Insn> {
        let target = from.wrapping_add_signed(word.branch_displacement()?);
        // The end of the replacements is that of the last one, and not somewhere else.
        let is_elsewhere =
            target.wrapping_sub(self.replacements.start) > 4 * self.replacements.words;
        match is_elsewhere {
            true => Insn::branch(site, target).ok(),
            false => None,
        }
    }

    /// Whether there are `len` words of replacement at `from`.
    #[inline(always)]
    pub fn has(&self, from: u64, len: u64) -> bool {
        let words = self.replacements.words;
        // Rotated, a distance that is no multiple of 4 is higher than any index.
        let index = from.wrapping_sub(self.replacements.start).rotate_right(2);
        index < words && (len == 1 || len <= words - index)
    }
}
