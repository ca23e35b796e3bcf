//! The other CPUs: started between the two passes, held while the last one runs.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use aarch64_rt::Stack;
use alt_runtime::boot::{Booted, Finalised};
use alt_runtime::cap::CpuVerdict;
use alt_runtime::patch::Report;
use alt_runtime::rendezvous::{Held, HoldError, Rendezvous};
use defmt::{Display2Format, error, info, warn};
use smccc::psci;
use spin::Once;
use spin::mutex::SpinMutex;

use crate::checks::{atomic, mix, spinlock::SpinLock, timer};
use crate::firmware::Firmware;
use crate::kernel::Failed;
use crate::outcome::Outcome;
use crate::{cmdline, hooks, hyp, interrupts, memory};

/// As many CPUs as this kernel has stacks for.
pub const MAX_CPUS: usize = 8;
/// How long the boot CPU waits for the others, in seconds.
const PATIENCE: u64 = 30;
/// How long the others have to come to the rendezvous, in seconds.
const RENDEZVOUS_PATIENCE: u64 = 8;
const ROUNDS: u64 = 2_000;
/// Looks at the site that changes, before and after the pass each.
const OBSERVATIONS: u64 = 5_000;

static mut STACKS: [Stack<8>; MAX_CPUS] = [const { Stack::new() }; MAX_CPUS];
static RENDEZVOUS: Rendezvous<MAX_CPUS> = Rendezvous::new();
static SYSTEM: Once<SpinMutex<Booted>> = Once::new();
static FINAL: Once<Finalised> = Once::new();

/// CPUs that have come online and were let in, one bit each.
static ONLINE: AtomicU32 = AtomicU32::new(1);
/// CPUs that have been refused, one bit each.
static PARKED: AtomicU32 = AtomicU32::new(0);
/// CPUs that have looked often enough at the site before the last pass.
static WATCHING: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicUsize = AtomicUsize::new(0);
static GIVEN_UP: AtomicBool = AtomicBool::new(false);
static MIXED: AtomicBool = AtomicBool::new(false);
static COUNTER: AtomicU64 = AtomicU64::new(0);
static LOCKED: SpinLock<u64> = SpinLock::new(0);

/// Lets the other CPUs in on what the boot CPU has found.
pub fn share(booted: Booted) -> &'static SpinMutex<Booted> {
    SYSTEM.call_once(|| SpinMutex::new(booted))
}

/// Tells all CPUs, those to come included, what was decided.
pub fn publish(finalised: Finalised) -> &'static Finalised {
    FINAL.call_once(|| finalised)
}

/// Starts CPU number `cpu`; `false` if the firmware does not know it.
fn power_on(cpu: usize) -> bool {
    // SAFETY: each stack is given to one CPU only, and is mapped alike by the
    // initial table that it starts with.
    unsafe {
        let stack = (&raw mut STACKS).cast::<Stack<8>>().add(cpu);
        // QEMU's `virt` numbers its first CPUs in Aff0.
        aarch64_rt::start_core::<Firmware, _, 8>(cpu as u64, stack, move || secondary(cpu)).is_ok()
    }
}

/// Starts CPUs `first` to `last`, one after the other, and waits until each is
/// online or has been refused. Ends where the firmware knows no more.
pub fn start(first: usize, last: usize) -> Result<(), Failed> {
    for cpu in first..=last.min(MAX_CPUS - 1) {
        let before = arrived();
        if !power_on(cpu) {
            break;
        }
        wait_until("come online", || arrived() > before)?;
    }
    Ok(())
}

/// Starts the CPUs that have not been started before the last pass.
pub fn start_late() -> Result<(), Failed> {
    start(arrived(), MAX_CPUS - 1)
}

/// CPUs that have come, this one included, whether or not they were let in.
fn arrived() -> usize {
    online() + kept_out()
}

/// CPUs that were let in, this one included.
pub fn online() -> usize {
    ONLINE.load(Ordering::Acquire).count_ones() as usize
}

/// CPUs that were not let in.
pub fn kept_out() -> usize {
    PARKED.load(Ordering::Acquire).count_ones() as usize
}

/// Ends the wait of the others when there is no last pass.
pub fn give_up() {
    GIVEN_UP.store(true, Ordering::Release);
}

/// What the boot-scope pass did.
pub fn boot_report() -> Report {
    SYSTEM
        .get()
        .map_or(Report::default(), |booted| booted.lock().report())
}

fn wait_until(what: &str, done: impl Fn() -> bool) -> Result<(), Failed> {
    let deadline = timer::now() + PATIENCE * timer::frequency();
    while !done() {
        if timer::now() > deadline {
            error!("the other CPUs did not {=str} in time", what);
            return Err(Failed);
        }
        core::hint::spin_loop();
    }
    Ok(())
}

fn others() -> impl Iterator<Item = usize> + Clone {
    let online = ONLINE.load(Ordering::Acquire);
    (1..MAX_CPUS).filter(move |cpu| online & 1 << cpu != 0)
}

/// Waits until the others have watched the text for a while, and holds them. Those
/// that were refused must be off: they are not held.
pub fn hold() -> Result<Held<'static, MAX_CPUS>, Failed> {
    let parked = PARKED.load(Ordering::Acquire);
    let is_off = |cpu: usize| {
        let state = psci::affinity_info::<Firmware>(cpu as u64, psci::LowestAffinityLevel::All);
        parked & (1 << cpu) == 0 || state == Ok(psci::AffinityState::Off)
    };
    wait_until("switch off", || (1..MAX_CPUS).all(is_off))?;
    let watchers = others().count();
    wait_until("watch the text", || {
        WATCHING.load(Ordering::Acquire) >= watchers
    })?;
    call(others(), RENDEZVOUS_PATIENCE * timer::frequency()).map_err(|missing| {
        error!("patch-error {}", Display2Format(&missing));
        Failed
    })
}

/// Calls the rendezvous: each CPU is woken and has `patience` ticks to come.
pub fn call(
    cpus: impl Iterator<Item = usize> + Clone,
    patience: u64,
) -> Result<Held<'static, MAX_CPUS>, HoldError> {
    let wake = cpus.clone();
    let notify = || {
        if interrupts::is_ready() {
            wake.for_each(|cpu| interrupts::send(interrupts::WAKE, cpu));
        }
    };
    RENDEZVOUS.hold(cpus, notify, timer::now, patience)
}

/// Lets all CPUs count, with the counter and under the lock, and compares.
pub fn exercise() -> Result<(), Failed> {
    count();
    let secondaries = others().count();
    wait_until("finish", || DONE.load(Ordering::Acquire) >= secondaries)?;
    hyp::counted()?;

    let expected = ROUNDS * (secondaries as u64 + 1);
    let (counted, locked) = (COUNTER.load(Ordering::Relaxed), LOCKED.with(|n| *n));
    if (counted, locked) != (expected, expected) {
        error!(
            "check after smp FAILED counted {=u64} and {=u64}, expected {=u64}",
            counted, locked, expected
        );
        return Err(Failed);
    }
    if MIXED.load(Ordering::Relaxed) {
        error!("check after smp FAILED a CPU executed a mix of old and new text");
        return Err(Failed);
    }
    info!("check after smp ok");
    let watchers = WATCHING.load(Ordering::Relaxed);
    if watchers != 0 {
        info!(
            "{=usize} CPUs watched the text, {=u64} times each, and saw no mix",
            watchers,
            2 * OBSERVATIONS
        );
    }
    Ok(())
}

/// What every other CPU does.
fn secondary(cpu: usize) {
    memory::protect_secondary();
    let ids = cmdline::registers(cpu);
    let late = FINAL.get();
    let differs = |difference| {
        warn!("CPU {=usize} differs: {}", cpu, Display2Format(&difference));
    };
    let verdict = match (late, SYSTEM.get()) {
        (Some(finalised), _) => {
            finalised.differences(&ids).for_each(differs);
            finalised.late_cpu(&ids)
        }
        (None, Some(booted)) => {
            let mut booted = booted.lock();
            booted.differences(&ids).for_each(differs);
            booted.add_cpu(&ids)
        }
        (None, None) => return,
    };
    let kind = if late.is_some() { "late" } else { "early" };
    match verdict {
        CpuVerdict::Ok => {}
        CpuVerdict::ParkCpu(why) => {
            warn!(
                "CPU {=usize} ({=str}) is kept out: {}",
                cpu,
                kind,
                Display2Format(&why)
            );
            PARKED.fetch_or(1 << cpu, Ordering::Release);
            off();
        }
        CpuVerdict::Panic(why) => {
            error!("CPU {=usize} ({=str}): {}", cpu, kind, Display2Format(&why));
            Outcome::default().fail();
        }
    }
    info!("CPU {=usize} ({=str}) is online", cpu, kind);
    if interrupts::is_ready() {
        interrupts::init_cpu(cpu);
    }
    match (late, SYSTEM.get()) {
        (Some(finalised), _) => finalised.enable_late(&hooks::ENABLE, &ids),
        (None, Some(booted)) => booted.lock().enable(&hooks::ENABLE, &ids),
        (None, None) => {}
    }
    ONLINE.fetch_or(1 << cpu, Ordering::Release);

    if late.is_none() {
        watch(cpu);
        if let Some(finalised) = FINAL.get() {
            finalised.enable(&hooks::ENABLE, &ids);
        }
    }
    if FINAL.get().is_some() {
        call_hypervisor(cpu);
    }
    count();
    DONE.fetch_add(1, Ordering::Release);
    off();
}

/// Installs the hypervisor on this CPU, if there is one, and calls it.
fn call_hypervisor(cpu: usize) {
    let called = hyp::on_this_cpu(cpu).and_then(|()| hyp::exercise_this_cpu(cpu));
    if called.is_err() {
        Outcome::default().fail();
    }
}

/// Runs text that is about to change, over and over, and looks at what it does.
fn watch(cpu: usize) {
    let look = |count: u64| {
        for _ in 0..count {
            if !mix::is_whole() {
                MIXED.store(true, Ordering::Relaxed);
            }
        }
    };
    // A fault that the command line asks for.
    let stays_away = cmdline::has_word("demo.absent") && cpu == 2;
    look(OBSERVATIONS);
    WATCHING.fetch_add(1, Ordering::Release);
    while FINAL.get().is_none() && !GIVEN_UP.load(Ordering::Acquire) {
        look(10);
        if !stays_away {
            RENDEZVOUS.attend(cpu);
        }
        core::hint::spin_loop();
    }
    look(OBSERVATIONS);
}

fn count() {
    for _ in 0..ROUNDS {
        atomic::fetch_add(&COUNTER, 1);
        LOCKED.with(|n| *n += 1);
    }
}

fn off() -> ! {
    let _ = psci::cpu_off::<Firmware>();
    loop {
        aarch64_cpu::asm::wfi();
    }
}
