//! An arm with entries of an exception table.

#![no_std]

use alt_runtime::{alternative, cap::Cap};

const PAN: Cap = Cap::new(3, true);

/// Reads a word.
///
/// # Safety
/// A fault must be caught.
#[unsafe(no_mangle)]
pub unsafe fn faults(word: *const u64) -> u64 {
    let value;
    // SAFETY: the caller's promise.
    unsafe {
        alternative!(
            "ldr {value}, [{word}]",
            "nop",
            "nop",
            PAN =>
            "yield",
            "1: ldr {value}, [{word}]",
            "2:",
            ".pushsection ex_table, \"a\"",
            ".balign 8",
            "alt_at_site_long 1b",
            "alt_at_site_long 2b",
            "alt_at_site_quad 1b",
            ".popsection",
            word = in(reg) word,
            value = out(reg) value,
            options(nostack, readonly),
        );
    }
    value
}
