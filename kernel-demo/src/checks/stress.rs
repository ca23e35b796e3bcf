//! Stress on several CPUs: they execute a site while it is patched, count with atomics and under a
//! lock, and call the hypervisor.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use alt_runtime::alternative;
use defmt::{error, info};
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal, hyp, livepatch, outline};
use crate::cpucaps::ALWAYS_SYSTEM;
use crate::features::atomic;
use crate::features::spinlock::SpinLock;
use crate::platform::device_tree;
use crate::platform::outcome::{Failed, Outcome};
use crate::smp::{self, Work};

/// The program of the secondary CPUs.
pub const WORK: Work = Work {
    until_final: watch,
    afterwards: finish,
    in_service: livepatch::load::work,
};

/// Rounds of [`count`] on each CPU, after the last pass and before it.
const ROUNDS: u64 = 2_000;
const ROUNDS_BEFORE: u64 = 500;
/// Executions of the site that changes, before the last pass and after it.
const OBSERVATIONS: u64 = 5_000;

/// CPUs that have executed the site often enough before the last pass, one bit each.
static WATCHING: AtomicU32 = AtomicU32::new(0);
static DONE: AtomicUsize = AtomicUsize::new(0);
static MIXED: AtomicBool = AtomicBool::new(false);
static COUNTER: AtomicU64 = AtomicU64::new(0);
static LOCKED: SpinLock<u64> = SpinLock::new(0);

/// Instructions of the site: enough that a CPU that is not stopped cannot execute all of them
/// between two words that another CPU writes.
const LENGTH: u64 = 64;

/// Number of instructions of the default and of the arm that were executed.
#[inline]
fn execute() -> (u64, u64) {
    let (mut default, mut arm) = (0, 0);
    // SAFETY: both variants count in a register.
    unsafe {
        alternative!(
            ".rept {length}",
            "add {default}, {default}, #1",
            ".endr",
            ALWAYS_SYSTEM => ".rept {length}", "add {arm}, {arm}, #1", ".endr",
            length = const LENGTH,
            default = inout(reg) default,
            arm = inout(reg) arm,
            options(nomem, nostack, preserves_flags),
        );
    }
    (default, arm)
}

/// Executes the site and notes whether it was a mix of two variants.
#[inline(never)]
fn observe(times: u64) {
    for _ in 0..times {
        if !matches!(execute(), (LENGTH, 0) | (0, LENGTH)) {
            MIXED.store(true, Ordering::Relaxed);
        }
    }
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "mix",
    run: mix,
};

fn mix(context: &Context<'_>) -> Result<(), Mismatch> {
    let (default, arm) = execute();
    let (expected, other) = if context.has(ALWAYS_SYSTEM) {
        (arm, default)
    } else {
        (default, arm)
    };
    equal("instructions of the variant", expected, LENGTH)?;
    equal("instructions of the other one", other, 0)
}

/// Executes the site that is about to change, and counts while all atomics are helpers. If the command line
/// has the word `demo.absent`, CPU 2 returns only after boot: it is missing in the rendezvous.
fn watch(cpu: usize) {
    if WATCHING.load(Ordering::Relaxed) & 1 << cpu == 0 {
        observe(OBSERVATIONS);
        count(ROUNDS_BEFORE);
        WATCHING.fetch_or(1 << cpu, Ordering::Release);
        let is_absent = cpu == 2 && device_tree::has_word("demo.absent");
        while is_absent && !smp::is_released() {
            observe(10);
        }
    }
    observe(10);
}

/// Counts before the last pass on the boot CPU, too, waits until all other CPUs have executed the
/// site often enough, and checks the results.
pub fn wait_for_watchers() -> Result<(), Failed> {
    let watchers = smp::others().count();
    count(ROUNDS_BEFORE);
    smp::wait("watch the text", || watching() >= watchers)?;
    check_count("before", ROUNDS_BEFORE * (watchers as u64 + 1))
}

fn watching() -> usize {
    WATCHING.load(Ordering::Acquire).count_ones() as usize
}

/// The work of a secondary CPU after the last pass, or after it was cancelled.
fn finish(cpu: usize) {
    if WATCHING.load(Ordering::Relaxed) & 1 << cpu != 0 {
        observe(OBSERVATIONS);
    }
    if smp::finalised().is_some() && hyp::run_on_this_cpu(cpu).is_err() {
        Outcome::default().fail();
    }
    count(ROUNDS);
    DONE.fetch_add(1, Ordering::Release);
}

fn count(rounds: u64) {
    for _ in 0..rounds {
        atomic::fetch_add(&COUNTER, 1);
        LOCKED.with(|n| *n += 1);
        outline::stress();
    }
}

/// Checks the results of [`count`] on all CPUs, and begins again at 0.
fn check_count(phase: &str, expected: u64) -> Result<(), Failed> {
    let counted = COUNTER.swap(0, Ordering::Relaxed);
    let locked = LOCKED.with(core::mem::take);
    if (counted, locked) != (expected, expected) {
        error!(
            "check {=str} smp FAILED counted {=u64} and {=u64}, expected {=u64}",
            phase, counted, locked, expected
        );
        return Err(Failed);
    }
    if let Err(mismatch) = outline::check_stress(expected) {
        error!("check {=str} smp FAILED {}", phase, mismatch);
        return Err(Failed);
    }
    info!("check {=str} smp ok", phase);
    Ok(())
}

/// Counts on the boot CPU, too, waits for the other CPUs and checks the results.
pub fn run() -> Result<(), Failed> {
    count(ROUNDS);
    let secondaries = smp::others().count();
    smp::wait("finish", || DONE.load(Ordering::Acquire) >= secondaries)?;
    hyp::check_count()?;
    if MIXED.load(Ordering::Relaxed) {
        error!("check after smp FAILED a CPU executed a mix of old and new text");
        return Err(Failed);
    }
    check_count("after", ROUNDS * (secondaries as u64 + 1))?;
    let watchers = watching();
    if watchers != 0 {
        info!(
            "{=usize} CPUs watched the text, {=u64} times each, and saw no mix",
            watchers,
            2 * OBSERVATIONS
        );
    }
    Ok(())
}
