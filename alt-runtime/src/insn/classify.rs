//! Does a word depend on its own address?

use super::Insn;
use super::form::{Form, ROWS, Row};

/// How the effect of a word depends on its own address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Class {
    /// Nothing: the word means the same everywhere.
    NotRelative,
    /// It names a target by its distance.
    Relative(Relative),
    /// It signs the link register with its own address as a modifier (PACIASPPC and similar,
    /// FEAT_PAuth_LR), or makes the next word do so (PACM). At another address it computes
    /// another signature, which the matching AUTIASPPC, RETAASPPC or their register forms would
    /// reject.
    SignsPc,
    /// An encoding that is not allocated, or too new for us, among those that hold PC-relative
    /// instructions.
    Unknown,
}

/// A PC-relative instruction, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Relative {
    /// The kind of instruction.
    pub form: Form,
    /// Distance of the target in bytes, from the instruction; for [`Form::Adrp`] from the 4 KiB
    /// page that the instruction is in.
    pub displacement: i64,
}

impl Relative {
    /// The address named by the instruction at address `at`; for [`Form::Adrp`]
    /// the start of the page.
    #[inline]
    #[must_use]
    pub const fn target(self, at: u64) -> u64 {
        self.form.origin(at).wrapping_add_signed(self.displacement)
    }
}

/// Words that use their own address as a signing modifier, as (mask, value).
const SIGNS_PC: [(u32, u32); 2] = [
    // PACIASPPC, PACIBSPPC, PACNBIASPPC, PACNBIBSPPC
    (0xffff_dbff, 0xdac1_83fe),
    PACM,
];
const PACM: (u32, u32) = (0xffff_ffff, 0xd503_24ff);

// The top byte distinguishes them.
const _: () = assert!(SIGNS_PC[0].1 >> 24 != SIGNS_PC[1].1 >> 24);

/// Top bytes that no instruction known to us has, among or beside those of PC-relative
/// instructions, as (mask, value); from the tables of the Arm ARM (DDI 0487), C4.1.
const RESERVED: [(u8, u8); 5] = [
    // Beside miscellaneous branch (immediate): 0x56, 0x57.
    (0xfe, 0x56),
    // Beside compare and branch: 0x76, 0x77, 0xf6, 0xf7.
    (0x7e, 0x76),
    // The 32-bit half of data-processing (1 source, immediate).
    (0xff, 0x73),
    // Load register (literal), SIMD&FP, opc = 0b11.
    (0xff, 0xdc),
    // Top-level groups without any instruction: bits 28:25 are 0b0001 or 0b0011.
    (0x1a, 0x02),
];

/// The class of a word, as far as its top byte decides it.
#[derive(Clone, Copy)]
enum Top {
    /// No word with this top byte depends on its address.
    PositionIndependent,
    /// It may be `SIGNS_PC[which]`, or else does not depend on its address.
    SignsPc { which: u8 },
    /// It is of the form of `ROWS[first]` or a later row, or else is unallocated: no top byte
    /// has both PC-relative and other instructions.
    Relative { first: u8 },
    /// It is not allocated.
    Reserved,
}

static TOPS: [Top; 256] = {
    let mut tops = [Top::PositionIndependent; 256];
    let mut byte = 0;
    while byte < tops.len() {
        tops[byte] = top(byte as u8);
        byte += 1;
    }
    tops
};

const fn top(byte: u8) -> Top {
    let word = (byte as u32) << 24;
    let mut i = 0;
    while i < ROWS.len() {
        if (ROWS[i].value ^ word) & ROWS[i].mask & 0xff00_0000 == 0 {
            return Top::Relative { first: i as u8 };
        }
        i += 1;
    }
    let mut i = 0;
    while i < SIGNS_PC.len() {
        let (mask, value) = SIGNS_PC[i];
        if (value ^ word) & mask & 0xff00_0000 == 0 {
            return Top::SignsPc { which: i as u8 };
        }
        i += 1;
    }
    let mut i = 0;
    while i < RESERVED.len() {
        let (mask, value) = RESERVED[i];
        if byte & mask == value {
            return Top::Reserved;
        }
        i += 1;
    }
    Top::PositionIndependent
}

/// Where a word was found.
pub(super) enum Found {
    NotRelative,
    Row(&'static Row),
    SignsPc,
    Unknown,
}

/// For each top byte: 0 if no word with it depends on its address, `n` if only `SIGNS_PC[n - 1]`
/// does, higher if the other bits decide.
static POSITION_DEPENDENT: [u8; 256] = {
    let mut tops = [u8::MAX; 256];
    let mut byte = 0;
    while byte < tops.len() {
        match top(byte as u8) {
            Top::PositionIndependent => tops[byte] = 0,
            Top::SignsPc { which } => tops[byte] = 1 + which,
            _ => {}
        }
        byte += 1;
    }
    tops
};

impl Insn {
    /// Whether the word is neither NOP nor address-dependent: quick for most words, and `false`
    /// also for some that are [position-independent](Self::is_position_independent).
    #[inline(always)]
    pub(crate) fn is_plain(self) -> bool {
        const SYSTEM: u8 = PACM.1.to_be_bytes()[0];
        let [top, ..] = self.0.to_be_bytes();
        match POSITION_DEPENDENT[usize::from(top)] {
            0 => true,
            _ => top == SYSTEM && self != Self::NOP && !self.matches(PACM),
        }
    }

    /// Whether the word is [`Class::NotRelative`]: one look-up for most words.
    #[inline(always)]
    pub(crate) fn is_position_independent(self) -> bool {
        let [top, ..] = self.0.to_be_bytes();
        match usize::from(POSITION_DEPENDENT[usize::from(top)]) {
            0 => true,
            1 => !self.matches(SIGNS_PC[0]),
            2 => !self.matches(SIGNS_PC[1]),
            _ => false,
        }
    }

    /// How the effect of the word depends on its own address.
    #[must_use]
    pub fn classify(self) -> Class {
        match self.find() {
            Found::NotRelative => Class::NotRelative,
            Found::Row(row) => Class::Relative(Relative {
                form: row.form,
                displacement: row.immediate.read(self.0),
            }),
            Found::SignsPc => Class::SignsPc,
            Found::Unknown => Class::Unknown,
        }
    }

    // Several functions look up words that are seldom.
    #[inline(never)]
    pub(super) fn find(self) -> Found {
        let [top, ..] = self.0.to_be_bytes();
        match TOPS[usize::from(top)] {
            Top::PositionIndependent => Found::NotRelative,
            Top::SignsPc { .. } => {
                if SIGNS_PC.iter().any(|&signing| self.matches(signing)) {
                    Found::SignsPc
                } else {
                    Found::NotRelative
                }
            }
            Top::Relative { first } => {
                let rows = ROWS.get(usize::from(first)..).unwrap_or_default();
                match rows.iter().find(|row| self.matches((row.mask, row.value))) {
                    Some(row) => Found::Row(row),
                    None => Found::Unknown,
                }
            }
            Top::Reserved => Found::Unknown,
        }
    }
}
