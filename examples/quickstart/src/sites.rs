//! Code with sites, which is patched for the CPU.

use core::sync::atomic::AtomicU64;

use alt_runtime::alternative;

use crate::alternatives::cpucaps::LSE;

/// Adds to a counter that other CPUs use: by a loop of exclusives, or by one instruction of LSE.
pub fn add(counter: &AtomicU64, n: u64) {
    // SAFETY: each variant adds `n` atomically and changes the output operands only.
    unsafe {
        alternative!(
            "2: ldxr {new}, [{counter}]",
            "   add  {new}, {new}, {n}",
            "   stxr {failed:w}, {new}, [{counter}]",
            "   cbnz {failed:w}, 2b",
            LSE => ".arch_extension lse", "stadd {n}, [{counter}]",
            counter = in(reg) counter.as_ptr(), n = in(reg) n,
            new = out(reg) _, failed = out(reg) _, options(nostack),
        );
    }
}
