//! Condition and lengths of an alternative, in one word for the loop in [`quick`](super::quick).

use crate::record::{AlternativeRecord, Condition};

/// The last fields of an [`AlternativeRecord`]: in the order in which they stand, the condition
/// lowest.
#[derive(Clone, Copy)]
pub(super) struct Shape(pub u64);

impl Shape {
    /// One word for one word.
    pub const ONE_WORD: Self = Self(1 << 16 | 1 << 24);

    /// All but whether a branch is likely; the condition as [`Condition::plain`] has it.
    #[inline(always)]
    pub const fn plain(self) -> u64 {
        self.0 << 17
    }

    #[inline(always)]
    pub const fn of(record: &AlternativeRecord) -> Self {
        let lengths = (record.site_len as u64) << 16 | (record.replacement_len as u64) << 24;
        Self(record.condition.0 as u64 | lengths)
    }

    #[inline(always)]
    pub const fn condition(self) -> Condition {
        Condition::from_bits(self.0 as u16)
    }

    #[inline(always)]
    pub const fn site_len(self) -> u64 {
        self.0 >> 16 & 0xff
    }

    /// Whether the replacement is instructions, and it and the site have this length.
    #[inline(always)]
    pub const fn is_copy_of(self, len: u64) -> bool {
        // Bit 15 says that a callback or nothing stands for instructions.
        self.0 >> 15 == (len << 1 | len << 9)
    }
}
