//! The exact number of instructions that a function executes.

use core::arch::{asm, naked_asm};

use flat_guest::print;

/// A function that can be counted.
pub type Counted<T> = extern "C" fn(&mut T);

/// Sets the PMU to count INST_RETIRED, event 8 (Arm ARM D13.11.3).
pub fn start() {
    let events: u64;
    // SAFETY: sets up the PMU, which nothing else uses.
    unsafe {
        asm!(
            "msr pmcr_el0, {reset}",
            "msr pmevtyper0_el0, {event}",
            "msr pmcntenset_el0, {counter}",
            "msr pmcr_el0, {enable}",
            "isb",
            "mrs {events}, pmceid0_el0",
            reset = in(reg) 0b110u64,
            event = in(reg) 8u64,
            counter = in(reg) 1u64,
            enable = in(reg) 1u64,
            events = out(reg) events,
        );
    }
    // QEMU implements the event only with -icount.
    assert!(
        events & 1 << 8 != 0,
        "no INST_RETIRED: give QEMU -icount shift=0"
    );
}

/// Number of instructions that `function` executes, without its return.
pub fn count<T>(function: Counted<T>, argument: &mut T) -> u64 {
    extern "C" fn nothing(_: &mut u8) {}
    // SAFETY: functions of this signature and their arguments.
    unsafe {
        let all = retired((&raw mut *argument).cast(), function as *const ());
        let mut unused = 0u8;
        all - retired(&raw mut unused, nothing as *const ())
    }
}

/// Prints a number; the first word of the name is its table.
pub fn report(name: &str, value: u64) {
    print(format_args!("{name} {value}"));
}

#[unsafe(naked)]
unsafe extern "C" fn retired(argument: *mut u8, function: *const ()) -> u64 {
    naked_asm!(
        "stp x29, x30, [sp, #-32]!",
        "str x19, [sp, #16]",
        "mrs x19, pmevcntr0_el0",
        "blr x1",
        "mrs x0, pmevcntr0_el0",
        // The counter has 32 bits.
        "sub w0, w0, w19",
        "ldr x19, [sp, #16]",
        "ldp x29, x30, [sp], #32",
        "ret",
    )
}
