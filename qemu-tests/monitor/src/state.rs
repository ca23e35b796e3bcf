//! The state that all CPUs share, under one lock: the monitor is small, and its speed does not matter.

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};

use el2_monitor::layout::{self, Fatal, MAX_CPUS, Reason, Report};
use el2_monitor::words::Caches;

use crate::arch::{smc, this_cpu};
use crate::pages::Pages;
use crate::registers::{execute, read};
use crate::stage2::Stage2;

/// PSCI SYSTEM_OFF.
pub const SYSTEM_OFF: u64 = 0x8400_0008;

/// The state of a CPU.
pub struct Cpu {
    /// The guest runs on it.
    pub online: bool,
    /// Its caches, from the CTR_EL0 that the guest reads.
    pub caches: Caches,
    /// The entry that the guest has given, and its X0.
    pub entry: [u64; 2],
    /// Pages that it may write for the length of one instruction.
    pub writable: [Option<u64>; 2],
    /// The page that it executes one instruction at a time.
    pub stepped: Option<u64>,
    /// Number of instructions that it has executed so since the last change.
    pub steps: u64,
    /// [`State::changes`] at the time.
    pub changes: u64,
    /// The exclusive monitor of emulated instructions: address, bytes and values.
    pub exclusive: Option<(u64, u64, [u64; 2])>,
}

impl Cpu {
    /// A CPU that does not run.
    pub const OFF: Self = Self {
        online: false,
        caches: Caches::new(0),
        entry: [0; 2],
        writable: [None; 2],
        stepped: None,
        steps: 0,
        changes: 0,
        exclusive: None,
    };
}

const _: () = assert!(MAX_CPUS <= 8, "one bit each in a word's state");

/// The shared state.
pub struct State {
    pub cpus: [Cpu; MAX_CPUS],
    pub pages: Pages,
    pub stage2: Stage2,
    /// Number of stores to text and of cache maintenance operations: while it grows, text is being
    /// changed.
    pub changes: u64,
}

struct Shared(UnsafeCell<State>);
// SAFETY: reached through the lock only.
unsafe impl Sync for Shared {}

static LOCK: AtomicBool = AtomicBool::new(false);
static STATE: Shared = Shared(UnsafeCell::new(State {
    cpus: [const { Cpu::OFF }; MAX_CPUS],
    pages: Pages::NONE,
    stage2: Stage2::NONE,
    changes: 0,
}));

/// Read by the host, which finds it by its name.
#[repr(transparent)]
struct Shown(UnsafeCell<Report>);
// SAFETY: written under the lock only, but for the last words of a CPU that gives up.
unsafe impl Sync for Shown {}

#[unsafe(no_mangle)]
static monitor_report: Shown = Shown(UnsafeCell::new(Report::EMPTY));

/// The state, as long as this lives.
pub struct Locked(());

/// Waits for the other CPUs to be done with the state.
pub fn lock() -> Locked {
    while LOCK.swap(true, Ordering::Acquire) {
        // QEMU may run all CPUs in one thread: let the next one run.
        execute!("yield");
    }
    Locked(())
}

impl Drop for Locked {
    fn drop(&mut self) {
        LOCK.store(false, Ordering::Release);
    }
}

impl Deref for Locked {
    type Target = State;
    fn deref(&self) -> &State {
        // SAFETY: the lock is held.
        unsafe { &*STATE.0.get() }
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut State {
        // SAFETY: the lock is held, and this is its only guard.
        unsafe { &mut *STATE.0.get() }
    }
}

impl State {
    /// The report, which the host reads at the end.
    pub fn report(&mut self) -> &mut Report {
        // SAFETY: the lock is held, since there is a reference to the state.
        unsafe { &mut *monitor_report.0.get() }
    }

    /// The CPUs that run, by number.
    pub fn online(&self) -> impl Iterator<Item = usize> + use<> {
        let online: [bool; MAX_CPUS] = core::array::from_fn(|cpu| self.cpus[cpu].online);
        (0..MAX_CPUS).filter(move |cpu| online[*cpu])
    }
}

/// Reports why the monitor gives up, and ends the run.
pub fn give_up(reason: Reason, pc: u64) -> ! {
    let report = monitor_report.0.get();
    let (syndrome, address) = (read!("esr_el2"), read!("far_el2"));
    // SAFETY: whoever holds the lock can at worst spoil this last message.
    unsafe {
        (*report).fatal = Fatal {
            reason: reason as u64,
            cpu: this_cpu() as u64,
            syndrome,
            pc,
            address,
        };
        (*report).status = layout::GAVE_UP;
    }
    loop {
        smc(&mut [SYSTEM_OFF, 0, 0, 0]);
    }
}
