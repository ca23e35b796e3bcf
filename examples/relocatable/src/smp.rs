//! The other CPUs, which the firmware (PSCI) starts one after the other.

use core::sync::atomic::{AtomicU64, Ordering};

use aarch64_rt::Stack;
use smccc::{Hvc, psci};

use crate::memory;
use crate::{boot, kernel};

const MAX_CPUS: usize = 8;
/// Stacks of the other CPUs, by number.
pub static mut STACKS: [Stack<8>; MAX_CPUS] = [const { Stack::new() }; MAX_CPUS];
/// Number of CPUs that have finished or were refused.
static DONE: AtomicU64 = AtomicU64::new(0);
/// Number of CPUs that were refused.
static REFUSED: AtomicU64 = AtomicU64::new(0);

/// Starts all other CPUs, one after the other; returns the number of CPUs that were admitted.
pub fn start() -> u64 {
    for cpu in 1..MAX_CPUS as u64 {
        let entry = boot::secondary as *const () as usize;
        // QEMU's `virt` numbers its first CPUs in Aff0.
        if psci::cpu_on::<Hvc>(cpu, entry as u64, cpu).is_err() {
            break;
        }
        while DONE.load(Ordering::Acquire) < cpu {
            core::hint::spin_loop();
        }
    }
    DONE.load(Ordering::Relaxed) - REFUSED.load(Ordering::Relaxed)
}

/// The first Rust function of another CPU.
pub extern "C" fn main() -> ! {
    memory::activate();
    match crate::alternatives::admit() {
        true => kernel::work(),
        false => _ = REFUSED.fetch_add(1, Ordering::Relaxed),
    }
    DONE.fetch_add(1, Ordering::Release);
    let _ = psci::cpu_off::<Hvc>();
    loop {
        aarch64_cpu::asm::wfi();
    }
}
