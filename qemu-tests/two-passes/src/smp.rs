//! The other CPUs, started by the firmware (PSCI).

use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

use aarch64_rt::Stack;
use smccc::{Hvc, psci};
use spin::Once;

use crate::board::{MAX_CPUS, print};
use crate::work;

/// The CPU that starts after the passes.
const LATE: usize = MAX_CPUS - 1;

static mut STACKS: [Stack<8>; MAX_CPUS] = [const { Stack::new() }; MAX_CPUS];
/// CPUs that have been started, that have joined, that run with LSE, and that are done. The boot
/// CPU counts among those of hooks.
static STARTED: AtomicUsize = AtomicUsize::new(0);
static JOINED: AtomicUsize = AtomicUsize::new(0);
static ENABLED_LSE: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicUsize = AtomicUsize::new(0);

/// The CPU that joins and does not enter the rendezvous; 0 for no CPU.
static ABSENT: AtomicUsize = AtomicUsize::new(0);

/// The program of each other CPU.
static RUN: Once<fn(usize) -> !> = Once::new();

/// Takes `absent=N` from the command line. Each CPU that starts calls `run` with its number.
pub fn prepare(command_line: &str, run: fn(usize) -> !) {
    RUN.call_once(|| run);
    let mut words = command_line.split_whitespace();
    let absent = words.find_map(|word| word.strip_prefix("absent=")?.parse().ok());
    ABSENT.store(absent.unwrap_or(0), Ordering::Relaxed);
}

/// Whether this CPU joins and does not enter the rendezvous.
pub fn is_absent(cpu: usize) -> bool {
    ABSENT.load(Ordering::Relaxed) == cpu
}

/// Starts all early CPUs and waits until they have joined.
pub fn start_cpus() -> Range<usize> {
    work::say_what_is_patched("between the passes");
    work::work(0);
    (1..LATE).for_each(start);
    // The hook runs when `join` lets the CPU in; it has on the boot CPU.
    wait_for(&JOINED, LATE);
    1..LATE
}

/// Starts the CPU that comes after the last pass.
pub fn start_late_cpu() {
    start(LATE);
}

/// All CPUs enter the rendezvous by themselves.
pub fn wake_cpus() {}

/// Waits until the CPUs that have been started are done.
pub fn wait_until_done() {
    wait_for(&DONE, STARTED.load(Ordering::Relaxed));
}

/// The hook of the cpucap of boot scope.
pub fn has_joined() {
    JOINED.fetch_add(1, Ordering::Release);
}

/// The hook of the cpucap of system scope.
pub fn has_enabled_lse() {
    ENABLED_LSE.fetch_add(1, Ordering::Release);
}

/// Prints how often each hook has run.
pub fn say_where_hooks_ran() {
    let (joined, lse) = (&JOINED, &ENABLED_LSE);
    print(format_args!(
        "hooks: {} for CRC32, {} for LSE",
        joined.load(Ordering::Acquire),
        lse.load(Ordering::Acquire)
    ));
}

/// Counts this CPU as done and switches it off.
pub fn finish() -> ! {
    DONE.fetch_add(1, Ordering::Release);
    power_off()
}

/// Switches this CPU off.
pub fn power_off() -> ! {
    let _ = psci::cpu_off::<Hvc>();
    loop {
        core::hint::spin_loop();
    }
}

fn start(cpu: usize) {
    let run = *RUN.wait();
    let stack = (&raw mut STACKS).cast::<Stack<8>>().wrapping_add(cpu);
    // SAFETY: the stack is this CPU's own, which is started once.
    // QEMU's `virt` numbers its first CPUs in Aff0.
    let started =
        unsafe { aarch64_rt::start_core::<Hvc, _, 8>(cpu as u64, stack, move || run(cpu)) };
    match started {
        Ok(()) => _ = STARTED.fetch_add(1, Ordering::Relaxed),
        Err(why) => panic!("CPU {cpu} does not start: {why}"),
    }
}

fn wait_for(counter: &AtomicUsize, cpus: usize) {
    while counter.load(Ordering::Acquire) < cpus {
        core::hint::spin_loop();
    }
}
