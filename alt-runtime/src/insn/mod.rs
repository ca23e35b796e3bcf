//! A64 words: which depend on the program counter, and how to move one to a new place.
//!
//! A replacement is assembled in one place and executed in another. Most words mean the same
//! everywhere and are copied; a PC-relative one must be re-aimed at the same absolute target, and
//! an instruction that cannot be re-aimed must be refused before anything is written.
//!
//! ```
//! use alt_runtime::insn::{Class, Form, Insn};
//!
//! let cbz = Insn(0xb400_0040); // cbz x0, .+8
//! let Class::Relative(relative) = cbz.classify() else { panic!() };
//! assert_eq!((relative.form, relative.target(0x1000)), (Form::Cbz, 0x1008));
//!
//! // The same target, seen from four bytes further on: cbz x0, .+4
//! assert_eq!(cbz.relocate(0x1000, 0x1004), Ok(Insn(0xb400_0020)));
//! ```

mod classify;
mod encode;
mod form;
mod immediate;
mod relocate;

use core::fmt;

pub use classify::{Class, Relative};
pub use encode::Unencodable;
pub use form::Form;
pub use immediate::Reach;
pub use relocate::{MoveError, OutOfReach};

/// One A64 instruction word.
///
/// A64 instructions are little-endian in memory whatever the data endianness is; the value here is
/// the word itself, most significant bit 31.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(transparent)]
pub struct Insn(pub u32);

impl Insn {
    /// `nop`
    pub const NOP: Self = Self(0xd503_201f);

    /// `b`: the branch from address `from` to address `to`.
    ///
    /// # Errors
    ///
    /// [`OutOfReach`] if `to` is further than ±128 MiB from `from`, or the distance is not a
    /// multiple of four bytes.
    #[inline]
    pub fn branch(from: u64, to: u64) -> Result<Self, OutOfReach> {
        let displacement = to.wrapping_sub(from) as i64;
        match Form::B.immediate().write(0x1400_0000, displacement) {
            Some(word) => Ok(Self(word)),
            None => Err(OutOfReach {
                form: Form::B,
                displacement,
            }),
        }
    }

    /// `adrp`: the instruction at address `from` that loads the address of the page
    /// of `to` into `x<rd>`, 0 to 31.
    #[inline]
    pub(crate) fn adrp(rd: u8, from: u64, to: u64) -> Result<Self, OutOfReach> {
        let here = Relative {
            form: Form::Adrp,
            displacement: 0,
        };
        Self(0x9000_0000 | u32::from(rd & 31)).aim(here, to, from)
    }

    /// The branch by this number of instructions; 16 bits are always in its range.
    #[inline]
    pub(crate) const fn branch_by(instructions: i16) -> Self {
        Self(0x1400_0000 | instructions as u32 & 0x03ff_ffff)
    }

    /// Distance of the target in bytes, if the word is B.
    #[inline(always)]
    pub(crate) const fn branch_displacement(self) -> Option<i64> {
        match self.matches((0xfc00_0000, 0x1400_0000)) {
            true => Some(((self.0 << 6) as i32 >> 4) as i64),
            false => None,
        }
    }

    /// Whether the word may be replaced while another CPU executes it.
    ///
    /// If both the old and the new word are in this class, a CPU that runs into the modification
    /// executes either the one or the other; for any other pair the result is unpredictable
    /// (Arm ARM DDI 0487, B2.2.5 "Concurrent modification and execution of instructions": B, BL,
    /// BRK, HVC, ISB, NOP, SMC, SVC). It still takes cache maintenance and a context
    /// synchronization event before the new word *must* be seen.
    ///
    /// Later issues of the manual add B.cond, CBZ, CBNZ, TBZ and TBNZ. They are left out here,
    /// because a CPU that was designed against an earlier issue owes only the shorter list.
    #[inline]
    #[must_use]
    pub const fn concurrently_modifiable(self) -> bool {
        const B_OR_BL: (u32, u32) = (0x7c00_0000, 0x1400_0000);
        const SVC: (u32, u32) = (0xffe0_001f, 0xd400_0001);
        const HVC: (u32, u32) = (0xffe0_001f, 0xd400_0002);
        const SMC: (u32, u32) = (0xffe0_001f, 0xd400_0003);
        const BRK: (u32, u32) = (0xffe0_001f, 0xd420_0000);
        // The option of an ISB (CRm, bits 11:8) has no effect.
        const ISB: (u32, u32) = (0xffff_f0ff, 0xd503_30df);

        self.matches(B_OR_BL)
            || self.0 == Self::NOP.0
            || self.matches(SVC)
            || self.matches(HVC)
            || self.matches(SMC)
            || self.matches(BRK)
            || self.matches(ISB)
    }

    /// Whether it is BRK or HLT, which a debugger puts into text.
    pub(crate) const fn is_breakpoint(self) -> bool {
        // Most words do not even have the top byte.
        self.0 >> 24 == 0xd4
            && (self.matches((0xffe0_001f, 0xd420_0000))
                || self.matches((0xffe0_001f, 0xd440_0000)))
    }

    /// Whether it is ADR (Arm ARM C6.2.12).
    pub(crate) const fn is_adr(self) -> bool {
        self.matches((0x9f00_0000, 0x1000_0000))
    }

    /// Whether the bits under the mask have the given value.
    const fn matches(self, (mask, value): (u32, u32)) -> bool {
        self.0 & mask == value
    }
}

impl fmt::Display for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As all numbers: `message`.
        write!(f, "0x{:08x}", u64::from(self.0))
    }
}

impl fmt::Debug for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
