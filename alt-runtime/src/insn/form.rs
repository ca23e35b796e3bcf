//! The table of PC-relative forms.

use core::fmt;

use super::immediate::{Immediate, Reach};

/// One encoding: all words `w` with `w & mask == value`.
pub(super) struct Row {
    pub(super) mask: u32,
    pub(super) value: u32,
    pub(super) form: Form,
    pub(super) immediate: Immediate,
}

/// Makes the enum, its names and the table from one list, so that they cannot differ.
macro_rules! forms {
    ($(
        $(#[$doc:meta])*
        $form:ident $name:literal $immediate:expr, [$($mask:literal: $value:literal),+];
    )+) => {
        /// A kind of A64 instruction whose meaning depends on its own address.
        ///
        /// [`Display`](fmt::Display) gives the name in lower case, as in `b.cond`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum Form {
            $($(#[$doc])* $form,)+
        }

        /// All forms; rows do not overlap.
        // A static, so that its section has a name: init-patch.x.
        pub(super) static ROWS: [Row; [$($(stringify!($value)),+),+].len()] = [
            $($(Row { mask: $mask, value: $value, form: Form::$form, immediate: $immediate },)+)+
        ];

        impl Form {
            /// Every form, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$form),+];

            /// The name in assembly, in lower case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$form => $name,)+ }
            }

            pub(super) const fn immediate(self) -> Immediate {
                match self { $(Self::$form => $immediate,)+ }
            }
        }
    };
}

const IMM26: Immediate = Immediate::Words { lsb: 0, bits: 26 };
const IMM19: Immediate = Immediate::Words { lsb: 5, bits: 19 };
const IMM14: Immediate = Immediate::Words { lsb: 5, bits: 14 };
const IMM9: Immediate = Immediate::Words { lsb: 5, bits: 9 };
const IMM16_BACK: Immediate = Immediate::WordsBack;
const IMM21_BYTES: Immediate = Immediate::Split { scale: 0 };
const IMM21_PAGES: Immediate = Immediate::Split { scale: 12 };

// Arm ARM DDI 0487, C4.1 "A64 instruction set encoding". Each line: name, displacement, encodings
// as `mask: value`.
forms! {
    /// Branch.
    B "b" IMM26, [0xfc00_0000: 0x1400_0000];
    /// Branch with link.
    Bl "bl" IMM26, [0xfc00_0000: 0x9400_0000];
    /// Conditional branch.
    BCond "b.cond" IMM19, [0xff00_0010: 0x5400_0000];
    /// Hinted conditional branch (FEAT_HBC).
    BcCond "bc.cond" IMM19, [0xff00_0010: 0x5400_0010];
    /// Compare and branch on zero, 32 or 64 bits.
    Cbz "cbz" IMM19, [0x7f00_0000: 0x3400_0000];
    /// Compare and branch on non-zero, 32 or 64 bits.
    Cbnz "cbnz" IMM19, [0x7f00_0000: 0x3500_0000];
    /// Test bit and branch if zero.
    Tbz "tbz" IMM14, [0x7f00_0000: 0x3600_0000];
    /// Test bit and branch if non-zero.
    Tbnz "tbnz" IMM14, [0x7f00_0000: 0x3700_0000];
    /// Compare registers and branch (FEAT_CMPBR); conditions gt, ge, hi, hs and eq, ne.
    CbRegister "cb<cc> (register)" IMM9, [0x7f80_c000: 0x7400_0000, 0x7fc0_c000: 0x74c0_0000];
    /// Compare bytes in registers and branch (FEAT_CMPBR).
    Cbb "cbb<cc>" IMM9, [0xff80_c000: 0x7400_8000, 0xffc0_c000: 0x74c0_8000];
    /// Compare halfwords in registers and branch (FEAT_CMPBR).
    Cbh "cbh<cc>" IMM9, [0xff80_c000: 0x7400_c000, 0xffc0_c000: 0x74c0_c000];
    /// Compare register with immediate and branch (FEAT_CMPBR); conditions gt, lt, hi, lo and
    /// eq, ne.
    CbImmediate "cb<cc> (immediate)" IMM9, [0x7f80_4000: 0x7500_0000, 0x7fc0_4000: 0x75c0_0000];
    /// Return with authentication, the signing PC given as a label (FEAT_PAuth_LR).
    Retasppc "reta<k>sppc" IMM16_BACK, [0xffc0_001f: 0x5500_001f];
    /// Authenticate the link register, the signing PC given as a label (FEAT_PAuth_LR).
    Autisppc "auti<k>sppc" IMM16_BACK, [0xffc0_001f: 0xf380_001f];
    /// Form an address.
    Adr "adr" IMM21_BYTES, [0x9f00_0000: 0x1000_0000];
    /// Form the address of a 4 KiB page.
    Adrp "adrp" IMM21_PAGES, [0x9f00_0000: 0x9000_0000];
    /// Load a literal into a 32-bit or 64-bit register.
    Ldr "ldr (literal)" IMM19, [0xbf00_0000: 0x1800_0000];
    /// Load a literal word, sign-extended.
    Ldrsw "ldrsw (literal)" IMM19, [0xff00_0000: 0x9800_0000];
    /// Prefetch a literal.
    Prfm "prfm (literal)" IMM19, [0xff00_0000: 0xd800_0000];
    /// Load a literal into a SIMD&FP register of 32, 64 or 128 bits.
    LdrSimd "ldr (literal, SIMD&FP)" IMM19, [0xbf00_0000: 0x1c00_0000, 0xff00_0000: 0x9c00_0000];
}

impl Form {
    /// The displacements an instruction of this form can express.
    ///
    /// In bytes from the instruction; for [`Adrp`](Form::Adrp) from the 4 KiB page that the
    /// instruction is in.
    #[must_use]
    pub const fn reach(self) -> Reach {
        self.immediate().reach()
    }

    /// The address that displacements of an instruction at `address` count from.
    #[inline]
    pub(super) const fn origin(self, address: u64) -> u64 {
        match self {
            Self::Adrp => address & !0xfff,
            _ => address,
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
