//! More CPUs, started after the pass: all of them run the patched text.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use aarch64_rt::Stack;
use defmt::{error, info};
use smccc::{Hvc, psci};

use crate::checks::{atomic, spinlock::SpinLock, timer};
use crate::kernel::Failed;
use crate::memory;

const MAX_SECONDARIES: usize = 7;
const ROUNDS: u64 = 2_000;
/// How long the boot CPU waits for the others, in seconds.
const PATIENCE: u64 = 20;

static mut STACKS: [Stack<8>; MAX_SECONDARIES] = [const { Stack::new() }; MAX_SECONDARIES];
static DONE: AtomicUsize = AtomicUsize::new(0);
static COUNTER: AtomicU64 = AtomicU64::new(0);
static LOCKED: SpinLock<u64> = SpinLock::new(0);

/// Starts every other CPU and lets all of them count, with the counter and under
/// the lock.
pub fn exercise() -> Result<(), Failed> {
    let secondaries = start_all();
    count();
    let deadline = timer::now() + PATIENCE * timer::frequency();
    while DONE.load(Ordering::Acquire) < secondaries {
        if timer::now() > deadline {
            error!(
                "{=usize} of {=usize} CPUs did not finish",
                secondaries - DONE.load(Ordering::Acquire),
                secondaries
            );
            return Err(Failed);
        }
        core::hint::spin_loop();
    }

    let expected = ROUNDS * (secondaries as u64 + 1);
    let (counted, locked) = (COUNTER.load(Ordering::Relaxed), LOCKED.with(|n| *n));
    if (counted, locked) != (expected, expected) {
        error!(
            "check after smp FAILED counted {=u64} and {=u64}, expected {=u64}",
            counted, locked, expected
        );
        return Err(Failed);
    }
    info!("check after smp ok");
    Ok(())
}

/// Starts CPUs until the firmware knows no more, and says how many it were.
fn start_all() -> usize {
    for i in 0..MAX_SECONDARIES {
        // QEMU's `virt` numbers its first CPUs in Aff0.
        let mpidr = i as u64 + 1;
        // SAFETY: each stack is given to one CPU only, and is mapped alike by
        // the initial table that it starts with.
        let started = unsafe {
            let stack = (&raw mut STACKS).cast::<Stack<8>>().add(i);
            aarch64_rt::start_core::<Hvc, _, 8>(mpidr, stack, secondary)
        };
        if started.is_err() {
            return i;
        }
    }
    MAX_SECONDARIES
}

fn secondary() {
    memory::protect_secondary();
    count();
    DONE.fetch_add(1, Ordering::Release);
    let _ = psci::cpu_off::<Hvc>();
    loop {
        aarch64_cpu::asm::wfi();
    }
}

fn count() {
    for _ in 0..ROUNDS {
        atomic::fetch_add(&COUNTER, 1);
        LOCKED.with(|n| *n += 1);
    }
}
