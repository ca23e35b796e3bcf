//! How a displacement is written into a word.

use core::fmt;

use crate::message::{message, signed};

/// Where a form keeps its displacement, and in which unit.
#[derive(Clone, Copy)]
pub(super) enum Immediate {
    /// A signed count of words: `bits` wide, lowest bit at `lsb`.
    Words { lsb: u32, bits: u32 },
    /// A count of words *backwards*, 16 bits wide, lowest bit at 5.
    WordsBack,
    /// A signed number of 21 bits, in units of `1 << scale` bytes: its low two bits at 29, the
    /// rest at 5.
    Split { scale: u32 },
}

/// The displacements a form can express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reach {
    /// The furthest displacement backwards, in bytes (negative or zero).
    pub min: i64,
    /// The furthest displacement forwards, in bytes (positive or zero).
    pub max: i64,
    /// Displacements are multiples of this many bytes, a power of two.
    pub step: i64,
}

impl Reach {
    /// Whether this displacement in bytes can be encoded.
    #[inline]
    #[must_use]
    pub const fn contains(&self, displacement: i64) -> bool {
        self.min <= displacement && displacement <= self.max && displacement & (self.step - 1) == 0
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (signed(self.min), signed(self.max));
        message!(
            f,
            "{}..={} in steps of {}",
            min,
            max,
            self.step.unsigned_abs()
        )
    }
}

impl Immediate {
    /// The displacements this field can hold, in bytes.
    pub(super) const fn reach(self) -> Reach {
        match self {
            Self::Words { bits, .. } => Reach::signed(bits, 2),
            Self::WordsBack => Reach {
                min: -(0xffff << 2),
                max: 0,
                step: 4,
            },
            Self::Split { scale } => Reach::signed(21, scale),
        }
    }

    /// The displacement in a word, in bytes.
    #[inline]
    pub(super) const fn read(self, word: u32) -> i64 {
        match self {
            Self::Words { lsb, bits } => sign_extend(word >> lsb, bits) << 2,
            Self::WordsBack => -(((word >> 5 & 0xffff) as i64) << 2),
            Self::Split { scale } => {
                let low = word >> 29 & 0b11;
                sign_extend(word >> 5 << 2 | low, 21) << scale
            }
        }
    }

    /// The word with its displacement replaced, or `None` if it is out of
    /// [`reach`](Self::reach).
    #[inline]
    pub(super) const fn write(self, word: u32, displacement: i64) -> Option<u32> {
        if !self.reach().contains(displacement) {
            return None;
        }
        let (field, value) = match self {
            Self::Words { lsb, bits } => {
                let mask = (1 << bits) - 1;
                (mask << lsb, ((displacement >> 2) as u32 & mask) << lsb)
            }
            Self::WordsBack => (0xffff << 5, ((-displacement >> 2) as u32) << 5),
            Self::Split { scale } => {
                let value = (displacement >> scale) as u32;
                let low = value & 0b11;
                let high = value >> 2 & 0x7_ffff;
                (0b11 << 29 | 0x7_ffff << 5, low << 29 | high << 5)
            }
        };
        Some(word & !field | value)
    }
}

impl Reach {
    const fn signed(bits: u32, scale: u32) -> Self {
        let half = 1 << (bits - 1);
        Self {
            min: -half << scale,
            max: (half - 1) << scale,
            step: 1 << scale,
        }
    }
}

/// The low `bits` bits of `value` as a signed number.
const fn sign_extend(value: u32, bits: u32) -> i64 {
    let unused = 32 - bits;
    ((value << unused) as i32 >> unused) as i64
}
