//! The CPU that executes the monitor, and its firmware.

use core::arch::asm;

use el2_monitor::layout::MAX_CPUS;

/// Number of the CPU that executes this.
pub fn this_cpu() -> usize {
    crate::registers::read!("tpidr_el2") as usize % MAX_CPUS
}

/// One call of the firmware, which is QEMU itself: it obeys SMC when there is an EL2.
pub fn smc(x: &mut [u64; 4]) {
    let [x0, x1, x2, x3] = *x;
    // SAFETY: the calls that pass through here change no memory of the monitor's.
    unsafe {
        asm!(
            "smc #0",
            inout("x0") x0 => x[0], inout("x1") x1 => x[1],
            inout("x2") x2 => x[2], inout("x3") x3 => x[3],
            clobber_abi("C"), options(nostack),
        );
    }
}
