//! The other CPUs: started between the two passes, stopped during the last one, and late ones
//! started after it.

use core::arch::asm;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use aarch64_rt::Stack;
use alt_runtime::boot::{Booted, Finalised};
use alt_runtime::cap::{CpuVerdict, IdRegs};
use alt_runtime::patch::Report;
use alt_runtime::rendezvous::{Rendezvous, StopError, Stopped};
use defmt::{Display2Format, error, info, warn};
use spin::Once;
use spin::mutex::SpinMutex;

use crate::features;
use crate::hyp;
use crate::platform::board::MAX_CPUS;
use crate::platform::firmware::{self, Firmware};
use crate::platform::outcome::{Failed, Outcome};
use crate::platform::{idregs, interrupts, memory, timer};

/// The program of a secondary CPU after its bring-up. A kernel would enter its scheduler.
#[derive(Clone, Copy)]
pub struct Work {
    /// Called repeatedly until the last pass is over; in between, the CPU enters the rendezvous if
    /// it is requested. Not called on late CPUs.
    pub until_final: fn(cpu: usize),
    /// Called once afterwards.
    pub afterwards: fn(cpu: usize),
    /// Called repeatedly then, until [`retire_others`]; in between, the CPU enters the rendezvous if it
    /// is requested. Then the CPU is switched off.
    pub in_service: fn(cpu: usize),
}

/// Seconds for which the boot CPU waits for an event on other CPUs.
const TIMEOUT: u64 = 30;
/// Seconds that the other CPUs have to enter the rendezvous.
const RENDEZVOUS_TIMEOUT: u64 = 8;

static mut STACKS: [Stack<8>; MAX_CPUS] = [const { Stack::new() }; MAX_CPUS];
static RENDEZVOUS: Rendezvous<MAX_CPUS> = Rendezvous::new();
static BOOTED: Once<SpinMutex<Booted>> = Once::new();
static FINALISED: Once<Finalised> = Once::new();
/// There will be no last pass.
static CANCELLED: AtomicBool = AtomicBool::new(false);

/// The other CPUs run on after boot.
static IN_SERVICE: AtomicBool = AtomicBool::new(false);

/// CPUs that are online, one bit each.
static ONLINE: AtomicU32 = AtomicU32::new(1);
/// CPUs that have been refused, one bit each.
static REFUSED: AtomicU32 = AtomicU32::new(0);

/// Publishes the state after the boot-scope pass, against which early CPUs are checked.
pub fn share(booted: Booted) -> &'static SpinMutex<Booted> {
    BOOTED.call_once(|| SpinMutex::new(booted))
}

/// Publishes the state after the last pass, and releases the CPUs that wait for it.
pub fn publish(finalised: Finalised) -> &'static Finalised {
    FINALISED.call_once(|| finalised)
}

/// Releases the CPUs that wait for the last pass if there is no last pass.
pub fn cancel() {
    CANCELLED.store(true, Ordering::Release);
}

/// The state after the last pass, if it has been made.
pub fn finalised() -> Option<&'static Finalised> {
    FINALISED.get()
}

/// The report of the boot-scope pass.
pub fn boot_report() -> Report {
    BOOTED
        .get()
        .map_or(Report::default(), |booted| booted.lock().report())
}

/// Enters the rendezvous as CPU number `cpu` if it is requested. Not to be called inside a site.
pub fn attend(cpu: usize) {
    RENDEZVOUS.wait_if_requested(cpu);
    give_way();
}

/// Lets the other CPUs run on after boot.
pub fn keep_others() {
    IN_SERVICE.store(true, Ordering::Release);
}

/// Lets the other CPUs switch themselves off.
pub fn retire_others() {
    IN_SERVICE.store(false, Ordering::Release);
}

/// Whether the last pass has been made or cancelled.
pub fn is_released() -> bool {
    finalised().is_some() || CANCELLED.load(Ordering::Acquire)
}

/// Starts CPUs `first` to `last`, one after the other, and waits until each is online or refused.
/// Stops at the first one that the firmware does not know.
pub fn start(first: usize, last: usize, work: Work) -> Result<(), Failed> {
    for cpu in first..=last.min(MAX_CPUS - 1) {
        let before = arrived();
        if !power_on(cpu, work) {
            break;
        }
        wait("come online", || arrived() > before)?;
    }
    Ok(())
}

/// Starts the CPUs that were not started before the last pass.
pub fn start_late(work: Work) -> Result<(), Failed> {
    start(arrived(), MAX_CPUS - 1, work)
}

/// Starts CPU number `cpu`; `false` if the firmware does not know it.
fn power_on(cpu: usize, work: Work) -> bool {
    // SAFETY: each stack belongs to one CPU; the initial table, with which the CPU starts, maps it
    // like the final ones.
    unsafe {
        let stack = (&raw mut STACKS).cast::<Stack<8>>().add(cpu);
        // QEMU's `virt` numbers its first CPUs in Aff0.
        aarch64_rt::start_core::<Firmware, _, 8>(cpu as u64, stack, move || secondary(cpu, work))
            .is_ok()
    }
}

/// The stack of CPU number `cpu`, other than the boot CPU's.
pub fn stack(cpu: usize) -> Option<Range<usize>> {
    let size = size_of::<Stack<8>>();
    let start = (&raw const STACKS) as usize + cpu * size;
    (1..MAX_CPUS).contains(&cpu).then_some(start..start + size)
}

/// Number of CPUs that have started, including this one and those that were refused.
fn arrived() -> usize {
    online() + refused()
}

/// Number of CPUs that are online, including this one.
pub fn online() -> usize {
    ONLINE.load(Ordering::Acquire).count_ones() as usize
}

/// Number of CPUs that were refused.
pub fn refused() -> usize {
    REFUSED.load(Ordering::Acquire).count_ones() as usize
}

/// The other CPUs that are online, by number.
pub fn others() -> impl Iterator<Item = usize> + Clone {
    let online = ONLINE.load(Ordering::Acquire);
    (1..MAX_CPUS).filter(move |cpu| online & 1 << cpu != 0)
}

/// Waits until the other CPUs have done something; `what` completes "the other CPUs did not".
pub fn wait(what: &str, is_done: impl Fn() -> bool) -> Result<(), Failed> {
    let deadline = timer::now() + TIMEOUT * timer::frequency();
    while !is_done() {
        if timer::now() > deadline {
            error!("the other CPUs did not {=str} in time", what);
            return Err(Failed);
        }
        core::hint::spin_loop();
    }
    Ok(())
}

/// Stops all other CPUs until the result is dropped. Those that were refused must be off before.
pub fn stop_others() -> Result<Stopped<'static, MAX_CPUS>, Failed> {
    let refused = REFUSED.load(Ordering::Acquire);
    let is_off = |cpu: usize| refused & (1 << cpu) == 0 || firmware::is_cpu_off(cpu);
    wait("switch off", || (1..MAX_CPUS).all(is_off))?;
    stop(others(), RENDEZVOUS_TIMEOUT * timer::frequency()).map_err(|missing| {
        error!("patch-error {}", Display2Format(&missing));
        Failed
    })
}

/// Stops `cpus`: sends an interrupt to each and waits for `timeout` ticks in total until all have
/// entered the rendezvous.
pub fn stop(
    cpus: impl Iterator<Item = usize> + Clone,
    timeout: u64,
) -> Result<Stopped<'static, MAX_CPUS>, StopError> {
    let wake = cpus.clone();
    let notify = || {
        if interrupts::is_ready() {
            wake.for_each(|cpu| interrupts::send(interrupts::WAKE, cpu));
        }
    };
    let now = || {
        give_way();
        timer::now()
    };
    RENDEZVOUS.stop_all(cpus, notify, now, timeout)
}

/// Lets other hardware threads of the core go first (Arm ARM C6.2, YIELD); in an emulator that runs
/// all CPUs in one thread, the other CPUs.
fn give_way() {
    // SAFETY: a hint.
    unsafe { asm!("yield", options(nomem, nostack, preserves_flags)) };
}

/// The first function of every other CPU.
fn secondary(cpu: usize, work: Work) {
    memory::protect_secondary();
    let ids = idregs::read(cpu);
    let late = finalised();
    let kind = if late.is_some() { "late" } else { "early" };
    match verdict(cpu, &ids, late) {
        CpuVerdict::Ok => {}
        CpuVerdict::ParkCpu(why) => {
            warn!(
                "CPU {=usize} ({=str}) is kept out: {}",
                cpu,
                kind,
                Display2Format(&why)
            );
            REFUSED.fetch_or(1 << cpu, Ordering::Release);
            firmware::cpu_off();
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
    match (late, BOOTED.get()) {
        (Some(finalised), _) => finalised.enable_late(&features::ENABLE, &ids),
        (None, Some(booted)) => booted.lock().enable(&features::ENABLE, &ids),
        (None, None) => {}
    }
    ONLINE.fetch_or(1 << cpu, Ordering::Release);

    if late.is_none() {
        wait_for_release(cpu, work);
        if let Some(finalised) = finalised() {
            finalised.enable(&features::ENABLE, &ids);
        }
    }
    if finalised().is_some() && hyp::install_on_this_cpu(cpu).is_err() {
        Outcome::default().fail();
    }
    (work.afterwards)(cpu);
    while IN_SERVICE.load(Ordering::Acquire) {
        (work.in_service)(cpu);
        RENDEZVOUS.wait_if_requested(cpu);
        give_way();
    }
    firmware::cpu_off();
}

/// Compares a CPU with the decisions so far, and logs the fields in which it differs. An early CPU
/// takes part in the decision of the last pass.
fn verdict(cpu: usize, ids: &IdRegs, late: Option<&Finalised>) -> CpuVerdict {
    let differs = |difference| {
        warn!("CPU {=usize} differs: {}", cpu, Display2Format(&difference));
    };
    match (late, BOOTED.get()) {
        (Some(finalised), _) => {
            finalised.differences(ids).for_each(differs);
            finalised.late_cpu(ids)
        }
        (None, Some(booted)) => {
            let mut booted = booted.lock();
            booted.differences(ids).for_each(differs);
            booted.add_cpu(ids)
        }
        // The boot CPU starts no CPU before `share`.
        (None, None) => CpuVerdict::Ok,
    }
}

/// Works until the last pass is over or cancelled, and enters the rendezvous when it is requested.
fn wait_for_release(cpu: usize, work: Work) {
    while !is_released() {
        (work.until_final)(cpu);
        RENDEZVOUS.wait_if_requested(cpu);
        core::hint::spin_loop();
    }
}
