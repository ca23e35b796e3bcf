//! Whether a store to an address would fault, asked of the MMU.

use core::arch::asm;

/// Whether the kernel may write to the page of `address` at its exception level, by stage 1 of the
/// translation. Nothing is accessed there. With the MMU off, each page is writable.
///
/// Interrupts are masked meanwhile, since a handler may use PAR_EL1, which this function overwrites.
pub(crate) fn is_writable(address: *const u32) -> bool {
    let par: u64;
    // SAFETY: AT reads the page tables and accesses no other memory (Arm ARM, "AT S1E1W"). AT S1E2W is
    // executed at EL2 only; elsewhere it is undefined. There it uses the current regime, EL2 or EL2&0
    // ("AT S1E2W"). PAR_EL1 has no value that the compiler relies on, and DAIF is restored.
    unsafe {
        asm!(
            "mrs {daif}, daif",
            "mrs {par}, CurrentEL",
            "msr daifset, #0xf",
            "tbnz {par}, #3, 2f",
            "at s1e1w, {address}",
            "b 3f",
            "2:",
            "at s1e2w, {address}",
            "3:",
            "isb",
            // Cortex-A77 erratum 1508412: a read of PAR_EL1 needs a barrier on each side.
            "dmb sy",
            "mrs {par}, par_el1",
            "dmb sy",
            "msr daif, {daif}",
            daif = out(reg) _,
            par = out(reg) par,
            address = in(reg) address,
            options(nostack, preserves_flags),
        );
    }
    // PAR_EL1.F: the translation failed.
    par & 1 == 0
}
