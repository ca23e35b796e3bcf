//! Reads of user memory: PAN forbids them outside of `read_user`, and where FEAT_UAO is present they
//! are made with the user's rights.

use alt_runtime::alternative;
use alt_runtime::cap::IdRegs;

use crate::cpucaps::{PAN, UAO};

/// Sets PSTATE.PAN, which is clear when a CPU starts. To be run on each CPU that has the cpucap.
pub fn enable_pan(_: &IdRegs) {
    forbid_access();
}

#[inline]
fn allow_access() {
    // SAFETY: the bit only controls which accesses fault.
    unsafe {
        alternative!(
            "nop",
            PAN => ".arch_extension pan", "msr pan, #0",
            options(nostack, preserves_flags),
        );
    }
}

#[inline]
fn forbid_access() {
    // SAFETY: as above.
    unsafe {
        alternative!(
            "nop",
            PAN => ".arch_extension pan", "msr pan, #1",
            options(nostack, preserves_flags),
        );
    }
}

/// One load, with the kernel's rights, or with the user's where FEAT_UAO is present. `None` if it
/// faults.
///
/// LDTR has no form with an index, so the loads of the two variants are at different places in the
/// site. Each variant has its own entry in the exception table. The entry of the arm refers to the
/// instruction's address at the site (`alt_at_site_long`), not to where the arm is stored.
#[inline]
fn load(words: *const u32, index: usize) -> Option<u32> {
    let value;
    let faulted: u32;
    // SAFETY: a load has no effect; after a fault the handler continues after it, by the table.
    unsafe {
        alternative!(
            "1: ldr {value:w}, [{words}, {index}, lsl #2]",
            "   mov {faulted:w}, #0",
            "   nop",
            "2:",
            ".pushsection ex_table, \"a\"",
            ".balign 4",
            ".long 1b - .",
            ".long 2b - .",
            ".popsection",
            UAO =>
            "   add {value:x}, {words}, {index}, lsl #2",
            "3: ldtr {value:w}, [{value:x}]",
            "   mov {faulted:w}, #0",
            "4:",
            ".pushsection ex_table, \"a\"",
            ".balign 4",
            "alt_at_site_long 3b",
            "alt_at_site_long 4b",
            ".popsection",
            words = in(reg) words,
            index = in(reg) index,
            value = out(reg) value,
            faulted = inout(reg) 1 => faulted,
            options(nostack, preserves_flags, readonly),
        );
    }
    (faulted == 0).then_some(value)
}

/// Reads a word of user memory; `None` if the user may not read it.
pub fn read_user(words: *const u32, index: usize) -> Option<u32> {
    allow_access();
    let value = load(words, index);
    forbid_access();
    value
}
