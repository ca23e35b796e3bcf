//! Code that the kernel adapts to the CPU.

use core::sync::atomic::AtomicU64;

use alt_runtime::alternative;

use crate::alternatives::cpucaps::LSE;

/// Adds to a counter that other CPUs use: in a loop, or at once where the CPU can.
pub fn add(counter: &AtomicU64, n: u64) {
    // SAFETY: each variant adds `n` in one atomic step, and keeps to the operands.
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
