//! The work of the other CPUs while functions are replaced.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::targets::{livepatch_busy, livepatch_first, livepatch_second};
use crate::features::atomic;
use crate::features::spinlock::SpinLock;
use crate::platform::board::MAX_CPUS;
use crate::platform::outcome::Failed;
use crate::smp;

/// Calls of the pair in a row, without a chance to be stopped.
const CALLS: u64 = 64;

/// CPU 2 is told to stay out of the rendezvous, and does.
pub static ABSENT: AtomicBool = AtomicBool::new(false);
pub static IS_ABSENT: AtomicBool = AtomicBool::new(false);

/// How often each CPU has done its work.
static ROUNDS: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];

/// Pairs of calls whose results were of one version: the one in the image, or another one.
static OLD: AtomicU64 = AtomicU64::new(0);
static NEW: AtomicU64 = AtomicU64::new(0);
/// Pairs of calls whose results were of two versions.
static MIXED: SpinLock<u64> = SpinLock::new(0);

/// The pairs of calls on all CPUs so far.
pub struct Calls {
    pub old: u64,
    pub new: u64,
    pub mixed: u64,
}

/// Adds them up.
pub fn calls() -> Calls {
    Calls {
        old: OLD.load(Ordering::Relaxed),
        new: NEW.load(Ordering::Relaxed),
        mixed: MIXED.with(|calls| *calls),
    }
}

/// Waits until each other CPU has done its work twice, so that it has seen all that was stored before.
pub fn settle() -> Result<(), Failed> {
    let rounds = |cpu: usize| ROUNDS[cpu].load(Ordering::Acquire);
    let before: [u64; MAX_CPUS] = core::array::from_fn(rounds);
    let is_done = || smp::others().all(|cpu| rounds(cpu) >= before[cpu] + 2);
    smp::wait("work", is_done)
}

/// The load on CPU number `cpu`, once.
pub fn work(cpu: usize) {
    let (mut old, mut new, mut mixed) = (0, 0, 0);
    for _ in 0..CALLS {
        match (livepatch_first(), livepatch_second()) {
            (1, 1) => old += 1,
            (first, second) if first == second => new += 1,
            _ => mixed += 1,
        }
    }
    atomic::fetch_add(&OLD, old);
    atomic::fetch_add(&NEW, new);
    MIXED.with(|calls| *calls += mixed);
    while cpu == 2 && ABSENT.load(Ordering::Acquire) {
        IS_ABSENT.store(true, Ordering::Release);
        core::hint::spin_loop();
    }
    if cpu == 2 {
        IS_ABSENT.store(false, Ordering::Release);
    }
    livepatch_busy(cpu);
    if let Some(rounds) = ROUNDS.get(cpu) {
        rounds.fetch_add(1, Ordering::Release);
    }
}
