//! Accesses that are expected to fault: one instruction each, with an entry in the exception table.

use core::arch::asm;

use defmt::{error, info};

use crate::platform::outcome::Failed;

/// ESR_EL1 of a fault.
pub struct Fault(pub u64);

/// Assembles one instruction and its entry in the exception table. Evaluates to `Err` if it faults.
macro_rules! probe {
    ($instruction:literal, $($operands:tt)*) => {{
        let syndrome: u64;
        asm!(
            concat!("1: ", $instruction),
            "mov x9, xzr",
            "b 3f",
            // Still that of the fault: interrupts do not write ESR_EL1.
            "2: mrs x9, esr_el1",
            "3:",
            ".pushsection ex_table, \"a\"",
            ".balign 4",
            ".long 1b - .",
            ".long 2b - .",
            ".popsection",
            $($operands)*
            out("x9") syndrome,
        );
        match syndrome {
            0 => Ok(()),
            syndrome => Err(Fault(syndrome)),
        }
    }};
}

/// Reads a word, or returns the fault.
///
/// # Safety
/// The word must be initialised memory, or the read must fault.
pub unsafe fn read(word: *const u32) -> Result<u32, Fault> {
    let mut value = 0;
    // SAFETY: one load; the caller's promise.
    let result = unsafe {
        probe!(
            "ldr {value:w}, [{word}]",
            word = in(reg) word,
            value = inout(reg) value,
        )
    };
    result.map(|()| value)
}

/// Writes a word, or returns the fault.
///
/// # Safety
/// Nothing may depend on the old value, or the write must fault.
pub unsafe fn write(word: *mut u32, value: u32) -> Result<(), Fault> {
    // SAFETY: one store; the caller's promise.
    unsafe {
        probe!(
            "str {value:w}, [{word}]",
            word = in(reg) word,
            value = in(reg) value,
        )
    }
}

/// Calls an address, or returns the fault of the fetch.
///
/// # Safety
/// A function of the C ABI that may be called must be at the address, or the fetch must fault.
pub unsafe fn execute(address: u64) -> Result<(), Fault> {
    // SAFETY: one call; the caller's promise.
    unsafe { probe!("blr {address}", address = in(reg) address, clobber_abi("C"),) }
}

/// Checks that a write to `at`, which maps the same word as `text`, faults; logs the result.
///
/// # Safety
/// The word must be readable at `text`, and nothing else may write to it.
pub unsafe fn is_read_only(what: &str, text: *mut u32, at: *mut u32) -> Result<(), Failed> {
    // SAFETY: the write faults, or it stores the value that is there.
    match unsafe { write(at, text.read_volatile()) } {
        Err(Fault(syndrome)) => {
            info!(
                "wxorx ok writing the {=str} at {=u64:#x} faults: ESR_EL1={=u64:#x}",
                what, at as u64, syndrome
            );
            Ok(())
        }
        Ok(()) => {
            error!("the {=str} at {=u64:#x} is writable", what, at as u64);
            Err(Failed)
        }
    }
}
