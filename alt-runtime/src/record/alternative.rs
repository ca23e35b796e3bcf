//! The record of an `alternative!` site, its replacement, and the assembler text that writes them.

use super::condition::{Condition, Record};

/// An `alternative!` site: a run of instructions and one arm for it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct AlternativeRecord {
    /// Address of the site, in bytes from this field.
    pub site: i32,
    /// Address of the replacement, or of the [`Callback`](crate::callback::Callback), in bytes
    /// from this field; 0 where there is neither.
    pub replacement: i32,
    /// When the record applies.
    pub condition: Condition,
    /// Length of the site in instructions, 1 to 255.
    pub site_len: u8,
    /// Length of the replacement in instructions, 1 to `site_len`. Where
    /// [`is_callback`](Condition::is_callback) holds: 0 for NOPs, else `site_len`.
    pub replacement_len: u8,
}

const _: () = assert!(size_of::<AlternativeRecord>() == 12);

impl AlternativeRecord {
    /// The record that has these bytes in an image; for tools.
    pub const fn from_le_bytes(bytes: [u8; 12]) -> Self {
        let [
            s0,
            s1,
            s2,
            s3,
            r0,
            r1,
            r2,
            r3,
            c0,
            c1,
            site_len,
            replacement_len,
        ] = bytes;
        Self {
            site: i32::from_le_bytes([s0, s1, s2, s3]),
            replacement: i32::from_le_bytes([r0, r1, r2, r3]),
            condition: Condition(u16::from_le_bytes([c0, c1])),
            site_len,
            replacement_len,
        }
    }

    /// Address of the site, of a record at `at`.
    #[inline]
    pub const fn site_address(&self, at: u64) -> u64 {
        at.wrapping_add_signed(self.site as i64)
    }

    /// Address of the replacement or callback, of a record at `at`.
    #[inline]
    pub const fn replacement_address(&self, at: u64) -> u64 {
        at.wrapping_add(core::mem::offset_of!(Self, replacement) as u64)
            .wrapping_add_signed(self.replacement as i64)
    }
}

impl Record for AlternativeRecord {
    #[inline]
    fn site_address(&self, at: u64) -> u64 {
        self.site_address(at)
    }

    #[inline]
    fn condition(&self) -> Condition {
        self.condition
    }

    #[inline]
    fn site_len(&self) -> u8 {
        self.site_len
    }
}

/// The assembler text that writes an [`AlternativeRecord`] for the replacement between 9063 and
/// 9064, given the text of its condition.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_alternative_record {
    ($condition:literal) => {
        $crate::__alt_record!($condition, "9063b - .", "(9064b - 9063b) / 4")
    };
}

/// The assembler text that writes an [`AlternativeRecord`] for the callback with the symbol
/// `$callback`.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_callback_record {
    ($condition:literal, $callback:literal) => {
        $crate::__alt_record!(
            $condition,
            concat!($callback, " - ."),
            "(9062b - 9061b) / 4"
        )
    };
}

/// The assembler text that writes an [`AlternativeRecord`] for NOPs.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_nops_record {
    ($condition:literal) => {
        $crate::__alt_record!($condition, "0", "0")
    };
}

/// The assembler text that writes an [`AlternativeRecord`], given the texts of its condition and
/// replacement, and of the replacement's length.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_record {
    ($condition:literal, $replacement:expr, $len:literal) => {
        concat!(
            $crate::__alt_section!("alt_records", "ao", "@progbits"),
            ".balign 4\n",
            "9067:\n",
            ".long 9061b - .\n",
            ".long ",
            $replacement,
            "\n",
            ".hword ",
            $condition,
            "\n",
            ".byte (9062b - 9061b) / 4\n",
            ".byte ",
            $len,
            "\n",
            ".popsection\n",
            $crate::__alt_reference!(),
        )
    };
}

/* # The replacement */

/// Begins the text of a replacement; closed by `__alt_replacement_end!`.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_replacement {
    () => {
        concat!(
            $crate::__alt_section!("alt_replacements", "ao", "@progbits"),
            ".balign 4\n",
            "9063:",
        )
    };
}

/// Ends the text of a replacement.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_replacement_end {
    () => {
        "9064:\n.popsection"
    };
}

/// Begins the text of a replacement with an instruction of short range: at the end of the section
/// of its function. Closed by `__alt_near_replacement_end!`.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_near_replacement {
    () => {
        ".subsection 1\n.balign 4\n9063:"
    };
}

/// Ends the text of a replacement near its function.
///
/// A word to which nothing refers separates it from the text of other code: otherwise a branch to
/// that code would have the same target as a branch to the end of the replacement.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_near_replacement_end {
    () => {
        "9064:\n.inst 0\n.previous"
    };
}
