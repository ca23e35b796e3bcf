//! Does a word depend on its own address?

use super::Insn;
use super::form::{Form, ROWS, Row};

/// What a word's own address means to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Class {
    /// Nothing: the word means the same everywhere.
    NotRelative,
    /// It names a target by its distance.
    Relative(Relative),
    /// It signs the link register with its own address as a modifier (PACIASPPC and its kin,
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
    /// The address named by the instruction when it stands at address `at`; for [`Form::Adrp`]
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
    // PACM
    (0xffff_ffff, 0xd503_24ff),
];

/// Where PC-relative instructions live, as (mask, value): what is not in [`ROWS`] here is refused.
///
/// The rest of the encoding space is taken: instructions there get their operands from registers
/// or plain immediates.
const SPACES: [(u32, u32); 6] = [
    // Miscellaneous branch (immediate), and the unallocated group above it: 0x55..=0x57.
    (0xfc00_0000, 0x5400_0000),
    // Compare and branch with register or immediate, and the group above it: 0x74..=0x77,
    // 0xf4..=0xf7.
    (0x7c00_0000, 0x7400_0000),
    // Data-processing (1 source, immediate).
    (0x7f80_0000, 0x7380_0000),
    // Load register (literal).
    (0x3b00_0000, 0x1800_0000),
    // Top-level groups without any instruction: bits 28:25 are 0b0001 or 0b0011.
    (0x1e00_0000, 0x0200_0000),
    (0x1e00_0000, 0x0600_0000),
];

/// For each value of the top byte: where in [`ROWS`] to start the search, or [`ORDINARY`] if no
/// word with this top byte depends on its address.
///
/// One load tells the ordinary word, and there are many of them.
static FIRST_ROW: [u8; 256] = first_rows();

const ORDINARY: u8 = u8::MAX;

const fn first_rows() -> [u8; 256] {
    let mut first = [ORDINARY; 256];
    let mut byte = 0;
    while byte < first.len() {
        let top = (byte as u32) << 24;
        let mut row = ROWS.len();
        let mut i = 0;
        while i < SIGNS_PC.len() {
            if shares_top_byte(SIGNS_PC[i], top) {
                first[byte] = row as u8;
            }
            i += 1;
        }
        let mut i = 0;
        while i < SPACES.len() {
            if shares_top_byte(SPACES[i], top) {
                first[byte] = row as u8;
            }
            i += 1;
        }
        while row > 0 {
            row -= 1;
            if shares_top_byte((ROWS[row].mask, ROWS[row].value), top) {
                first[byte] = row as u8;
            }
        }
        byte += 1;
    }
    first
}

/// Whether an encoding has words with this top byte.
const fn shares_top_byte((mask, value): (u32, u32), top: u32) -> bool {
    (value ^ top) & mask & 0xff00_0000 == 0
}

/// A word, looked up.
pub(super) enum Found {
    NotRelative,
    Row(&'static Row),
    SignsPc,
    Unknown,
}

impl Insn {
    /// What the word's own address means to it.
    #[inline]
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

    #[inline]
    pub(super) fn find(self) -> Found {
        let [top, ..] = self.0.to_be_bytes();
        match FIRST_ROW[usize::from(top)] {
            ORDINARY => Found::NotRelative,
            first => self.search(first),
        }
    }

    /// The slow path of [`find`](Self::find).
    fn search(self, first: u8) -> Found {
        let rows = ROWS.get(usize::from(first)..).unwrap_or_default();
        if let Some(row) = rows.iter().find(|row| self.matches((row.mask, row.value))) {
            Found::Row(row)
        } else if SIGNS_PC.iter().any(|&encoding| self.matches(encoding)) {
            Found::SignsPc
        } else if SPACES.iter().any(|&space| self.matches(space)) {
            Found::Unknown
        } else {
            Found::NotRelative
        }
    }
}
