//! Restores ADRP and ADD where a linker relaxed them to NOP and ADR.
//!
//! A linker turns `adrp x0, s; add x0, x0, :lo12:s` into `nop; adr x0, s` where `s` is within
//! ±1 MiB, and so a load from the GOT that it has made such a pair ("ELF for the Arm 64-bit
//! Architecture", Relocation optimization; lld does it without `--no-relax`). It measures
//! from where the replacement is stored. From the site, `adr` may not reach the target, but the
//! pair has room for ADRP and ADD.

use crate::insn::{Class, Form, Insn};
use crate::region::Words;

/// A NOP and the ADR after it, in a replacement.
pub(super) struct Relaxed {
    adr: Insn,
    /// Address of the ADR in the replacement.
    at: u64,
    target: u64,
}

impl Relaxed {
    /// The pair that begins at `index` of the replacement, if there is one.
    ///
    /// These are not a pair: an ADR to XZR, whose number means the stack pointer in ADD, and one
    /// that refers to the replacement itself, which moves along.
    pub fn at(words: Words<'_>, index: usize) -> Option<Self> {
        let (nop, adr) = (words.word(index)?, words.word(index + 1)?);
        let range = words.range();
        let at = range.start.wrapping_add(4 * (index as u64 + 1));
        let Class::Relative(relative) = adr.classify() else {
            return None;
        };
        let target = relative.target(at);
        let is_inside = target.wrapping_sub(range.start) <= 4 * words.len() as u64;
        let is_pair = nop == Insn::NOP && relative.form == Form::Adr;
        (is_pair && adr.rd() != 31 && !is_inside).then_some(Self { adr, at, target })
    }

    /// ADRP and ADD for the addresses `to` and `to + 4`, if the ADR does not reach its target from
    /// there.
    ///
    /// `None` if it does, and if another instruction of the replacement refers to the ADR alone.
    pub fn expand(&self, words: Words<'_>, to: u64) -> Option<[Insn; 2]> {
        let rd = self.adr.rd();
        if self.adr.relocate(self.at, to.wrapping_add(4)).is_ok() || self.is_target(words) {
            return None;
        }
        let adrp = Insn::adrp(rd, to, self.target).ok()?;
        let add = Insn::add_immediate(rd, rd, (self.target & 0xfff) as u32, 0).ok()?;
        Some([adrp, add])
    }

    /// Whether a word of the replacement refers to the ADR.
    fn is_target(&self, words: Words<'_>) -> bool {
        let start = words.range().start;
        words.iter().zip(0..).any(|(word, index)| {
            matches!(word.classify(), Class::Relative(relative)
                if relative.form != Form::Adrp
                    && relative.target(start.wrapping_add(4 * index)) == self.at)
        })
    }
}
