//! Exceptions: none is expected but the faults that are provoked on purpose.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aarch64_cpu::registers::{ELR_EL1, ESR_EL1, FAR_EL1, Readable};
use aarch64_rt::{ExceptionHandlers, RegisterStateRef};
use defmt::error;

use crate::outcome::Outcome;
use crate::{extable, interrupts};

/// The next data abort is expected.
static EXPECTED: AtomicBool = AtomicBool::new(false);
/// The next instruction abort is expected, after a BLR.
static EXPECTED_FETCH: AtomicBool = AtomicBool::new(false);
/// ESR_EL1 of the abort that came, or 0.
static SYNDROME: AtomicU64 = AtomicU64::new(0);

struct Handlers;
aarch64_rt::exception_handlers!(Handlers);

impl ExceptionHandlers for Handlers {
    extern "C" fn irq_current(_: RegisterStateRef) {
        interrupts::handle();
    }

    extern "C" fn sync_current(mut state: RegisterStateRef) {
        let data_abort = ESR_EL1.matches_all(ESR_EL1::EC::DataAbortCurrentEL);
        if data_abort && let Some(fix) = extable::fix(state.elr) {
            // SAFETY: the instruction has an entry, so the code there expects the fault.
            unsafe { state.get_mut().elr = fix };
            return;
        }
        if data_abort && EXPECTED.swap(false, Ordering::Relaxed) {
            SYNDROME.store(ESR_EL1.get(), Ordering::Relaxed);
            // SAFETY: the instruction is the single load or store of `try_…`,
            // which says that it may be skipped.
            unsafe { state.get_mut().elr += 4 };
            return;
        }
        let fetch = ESR_EL1.matches_all(ESR_EL1::EC::InstrAbortCurrentEL);
        if fetch && EXPECTED_FETCH.swap(false, Ordering::Relaxed) {
            SYNDROME.store(ESR_EL1.get(), Ordering::Relaxed);
            // SAFETY: `try_execute` has branched there with its own address in x30, which
            // `sp` holds (sic), and nothing was executed.
            unsafe { state.get_mut().elr = state.sp as usize };
            return;
        }
        error!(
            "exception at {=u64:#x}: ESR_EL1={=u64:#x} FAR_EL1={=u64:#x}",
            ELR_EL1.get(),
            ESR_EL1.get(),
            FAR_EL1.get()
        );
        Outcome::default().fail()
    }
}

/// A data abort that was provoked.
pub struct Fault {
    /// ESR_EL1.
    pub syndrome: u64,
}

fn expect(access: impl FnOnce()) -> Result<(), Fault> {
    SYNDROME.store(0, Ordering::Relaxed);
    EXPECTED.store(true, Ordering::Relaxed);
    access();
    EXPECTED.store(false, Ordering::Relaxed);
    match SYNDROME.load(Ordering::Relaxed) {
        0 => Ok(()),
        syndrome => Err(Fault { syndrome }),
    }
}

/// Writes one word, or says that it faults.
///
/// # Safety
/// If the write succeeds it must be one that the program can bear.
pub unsafe fn try_write(word: *mut u32, value: u32) -> Result<(), Fault> {
    expect(|| {
        // SAFETY: one instruction, skipped if it faults; the caller answers for
        // its effect.
        unsafe {
            asm!(
                "str {value:w}, [{word}]",
                word = in(reg) word,
                value = in(reg) value,
                options(nostack, preserves_flags),
            );
        }
    })
}

/// Executes what is at an address, or says that the fetch faults.
///
/// # Safety
/// If it does not fault it must be a function of the C ABI that the program can bear.
pub unsafe fn try_execute(address: u64) -> Result<(), Fault> {
    SYNDROME.store(0, Ordering::Relaxed);
    EXPECTED_FETCH.store(true, Ordering::Relaxed);
    // SAFETY: a call, which the caller answers for; or none, if it faults.
    unsafe { asm!("blr {address}", address = in(reg) address, clobber_abi("C")) };
    EXPECTED_FETCH.store(false, Ordering::Relaxed);
    match SYNDROME.load(Ordering::Relaxed) {
        0 => Ok(()),
        syndrome => Err(Fault { syndrome }),
    }
}

/// Runs a `load` that is a single instruction, or says that it faults.
pub fn try_load(load: impl FnOnce() -> u32) -> Result<u32, Fault> {
    let mut value = 0;
    expect(|| value = load())?;
    Ok(value)
}
