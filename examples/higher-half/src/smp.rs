//! The other CPUs, started one after the other by the firmware (PSCI).

use core::sync::atomic::{AtomicU64, Ordering};

use aarch64_rt::Stack;
use smccc::{Hvc, psci};

use crate::memory::{self, OFFSET};
use crate::{boot, kernel};

const MAX_CPUS: usize = 8;
/// Stacks of the other CPUs, by number.
pub static mut STACKS: [Stack<8>; MAX_CPUS] = [const { Stack::new() }; MAX_CPUS];
/// Number of CPUs that have finished or were refused.
static DONE: AtomicU64 = AtomicU64::new(0);
static KEPT_OUT: AtomicU64 = AtomicU64::new(0);

/// Starts all other CPUs, one after the other; returns the number of those that were admitted.
pub fn start() -> u64 {
    for cpu in 1..MAX_CPUS as u64 {
        let entry = boot::secondary as *const () as usize - OFFSET;
        // QEMU's `virt` numbers its first CPUs in Aff0.
        if psci::cpu_on::<Hvc>(cpu, entry as u64, cpu).is_err() {
            break;
        }
        while DONE.load(Ordering::Acquire) < cpu {
            core::hint::spin_loop();
        }
    }
    DONE.load(Ordering::Relaxed) - KEPT_OUT.load(Ordering::Relaxed)
}

/// The first Rust function of another CPU.
pub extern "C" fn main() -> ! {
    memory::activate();
    match crate::alternatives::let_in() {
        true => kernel::work(),
        false => _ = KEPT_OUT.fetch_add(1, Ordering::Relaxed),
    }
    DONE.fetch_add(1, Ordering::Release);
    let _ = psci::cpu_off::<Hvc>();
    loop {
        aarch64_cpu::asm::wfi();
    }
}
