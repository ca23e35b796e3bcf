//! The record of a `cpu_has_cap!` site, and the assembler text that writes it.

use super::condition::{Condition, Record};

/// A `cpu_has_cap!` site: one instruction, NOP or B.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct BranchRecord {
    /// Address of the site, in bytes from this field.
    pub site: i32,
    /// When the record applies, and which form the site has.
    pub condition: Condition,
    /// Displacement of the B, in instructions from the site.
    pub displacement: i16,
}

const _: () = assert!(size_of::<BranchRecord>() == 8);

impl BranchRecord {
    /// The record that has these bytes in an image; for tools.
    pub const fn from_le_bytes(bytes: [u8; 8]) -> Self {
        let [s0, s1, s2, s3, c0, c1, d0, d1] = bytes;
        Self {
            site: i32::from_le_bytes([s0, s1, s2, s3]),
            condition: Condition(u16::from_le_bytes([c0, c1])),
            displacement: i16::from_le_bytes([d0, d1]),
        }
    }

    /// Address of the site, of a record at `at`.
    #[inline]
    pub const fn site_address(&self, at: u64) -> u64 {
        at.wrapping_add_signed(self.site as i64)
    }
}

impl Record for BranchRecord {
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
        1
    }
}

/// The assembler text that writes a [`BranchRecord`], given the text of its
/// condition and of its target.
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_branch_record {
    ($condition:literal, $target:literal) => {
        concat!(
            $crate::__alt_section!("alt_branches", "ao", "@progbits"),
            ".balign 4\n",
            "9067:\n",
            ".long 9061b - .\n",
            ".hword ",
            $condition,
            "\n",
            // A division, not a shift: the assembler's `>>` is logical, which
            // is wrong for a target before the site.
            ".hword (",
            $target,
            " - 9061b) / 4\n",
            // Assemblers truncate the field in silence. Where the target is further
            // than ±128 KiB this asks to move back, which LLVM refuses. GNU as 2.40
            // refuses it for a target before the site; for one after it, it warns of an
            // undefined symbol "L0", whatever the distance, and checks nothing.
            ".org . - (((",
            $target,
            " - 9061b + 0x20000) >> 18 != 0) & 1)\n",
            ".popsection\n",
            $crate::__alt_reference!(),
        )
    };
}
