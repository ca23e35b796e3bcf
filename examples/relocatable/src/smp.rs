//! The other CPUs, which the firmware (PSCI) starts one after the other.

use core::arch::naked_asm;
use core::sync::atomic::{AtomicU64, Ordering};

use aarch64_rt::{Stack, set_exception_vector};
use smccc::{Hvc, psci};

use crate::memory::{self, enable_mmu};
use crate::sites;

const MAX_CPUS: usize = 8;
/// Stacks of the other CPUs, by number.
static mut STACKS: [Stack<8>; MAX_CPUS] = [const { Stack::new() }; MAX_CPUS];
/// Number of CPUs that have finished or were refused.
static DONE: AtomicU64 = AtomicU64::new(0);
/// Number of CPUs that were refused.
static REFUSED: AtomicU64 = AtomicU64::new(0);

/// Starts all other CPUs, one after the other; returns the number of CPUs that were admitted.
pub fn start() -> u64 {
    for cpu in 1..MAX_CPUS as u64 {
        let entry = secondary as *const () as usize;
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

/// Entry point of the other CPUs (PSCI CPU_ON): at EL1, MMU off, the number of the CPU in x0.
#[unsafe(naked)]
unsafe extern "C" fn secondary() -> ! {
    naked_asm!(
        "bl {enable_mmu}",
        "adrp x8, {stacks}",
        "add x8, x8, :lo12:{stacks}",
        "mov x9, #{STACK_SIZE}",
        "madd x8, x0, x9, x8",
        "add sp, x8, x9",
        "mov x19, x0",
        "bl {set_exception_vector}",
        "mov x0, x19",
        "b {main}",
        enable_mmu = sym enable_mmu,
        stacks = sym STACKS,
        STACK_SIZE = const size_of::<Stack<8>>(),
        set_exception_vector = sym set_exception_vector,
        main = sym main,
    )
}

/// The first Rust function of another CPU.
extern "C" fn main() -> ! {
    memory::activate();
    match crate::alternatives::admit() {
        true => sites::work(),
        false => _ = REFUSED.fetch_add(1, Ordering::Relaxed),
    }
    DONE.fetch_add(1, Ordering::Release);
    let _ = psci::cpu_off::<Hvc>();
    loop {
        aarch64_cpu::asm::wfi();
    }
}
