//! The vectors of EL2, and entry and exit of a call: the registers that a call preserves are saved
//! here and restored here, whether the call returns, panics or faults.

use core::arch::global_asm;
use core::panic::PanicInfo;

use super::cpucaps::{ALWAYS_SYSTEM, SB};
use super::services::dispatch;
use crate::abi::status;

unsafe extern "C" {
    /// Ends the call with this status and these values.
    ///
    /// # Safety
    /// To be called within a call from EL1. The stack of the caller is discarded.
    #[link_name = "leave"]
    fn leave(status: u64, first: u64, second: u64) -> !;
}

/// Size in bytes of the frame at the top of the CPU's stack: x18 to x30, a gap, ELR_EL2 and SPSR_EL2.
const FRAME: usize = 128;
/// Offset of ELR_EL2 and SPSR_EL2 in the frame.
const RETURN: usize = 112;
/// ESR_EL2.EC of an HVC instruction at EL1.
const HVC64: u64 = 0x16;

// x18 is saved although it is not callee-saved: at EL1 it may be the platform register, e.g. of a
// shadow call stack. With the feature `fixed-x18` nothing here uses it, which `alt verify` proves,
// and it is not saved.
global_asm!(
    alt_runtime::asm_macros!(),
    ".pushsection .text.vectors, \"ax\"",
    // 16 entries of 32 instructions; VBAR_EL2 requires 2 KiB alignment.
    ".balign 2048",
    ".globl vectors",
    ".type vectors, %function",
    "vectors:",
    // From EL2 itself: a fault of a service.
    ".rept 8",
    ".balign 128",
    "b fault",
    ".endr",
    // From EL1: a call. `enter` may be out of the range of a B, at an address that boot knows.
    ".balign 128",
    "stp x0, x1, [sp, #-16]!",
    "alternative_begin",
    "b enter",
    "nop",
    "nop",
    "nop",
    "alternative_cb {always}, HYP_VECTOR",
    "alternative_end",
    // Nothing else of EL1 is routed to EL2.
    ".rept 7",
    ".balign 128",
    "b stray",
    ".endr",
    ".balign 128",
    ".size vectors, . - vectors",
    ".popsection",
    //
    ".pushsection .text.enter, \"ax\"",
    ".balign 4",
    ".globl enter",
    ".type enter, %function",
    "enter:",
    "ldp x0, x1, [sp], #16",
    "sub sp, sp, #{frame}",
    ".if {fixed_x18}",
    "str x19, [sp, #8]",
    ".else",
    "stp x18, x19, [sp]",
    ".endif",
    "stp x20, x21, [sp, #16]",
    "stp x22, x23, [sp, #32]",
    "stp x24, x25, [sp, #48]",
    "stp x26, x27, [sp, #64]",
    "stp x28, x29, [sp, #80]",
    "str x30, [sp, #96]",
    "mrs x19, elr_el2",
    "mrs x20, spsr_el2",
    "stp x19, x20, [sp, #{return}]",
    "mrs x19, esr_el2",
    "lsr x19, x19, #26",
    "cmp x19, #{hvc}",
    // The range of B.cond is smaller than that of B, and the linker may place the two anywhere.
    "b.eq 2f",
    "b stray",
    "2:",
    // The end of the chain of stack frames.
    "mov x29, xzr",
    "bl {dispatch}",
    "mov x2, xzr",
    ".size enter, . - enter",
    // Falls through.
    ".globl leave",
    ".type leave, %function",
    "leave:",
    "mrs x3, tpidr_el2",
    "sub sp, x3, #{frame}",
    "ldp x19, x20, [sp, #{return}]",
    "msr elr_el2, x19",
    "msr spsr_el2, x20",
    ".if {fixed_x18}",
    "ldr x19, [sp, #8]",
    ".else",
    "ldp x18, x19, [sp]",
    ".endif",
    "ldp x20, x21, [sp, #16]",
    "ldp x22, x23, [sp, #32]",
    "ldp x24, x25, [sp, #48]",
    "ldp x26, x27, [sp, #64]",
    "ldp x28, x29, [sp, #80]",
    "ldr x30, [sp, #96]",
    "add sp, sp, #{frame}",
    // Values of EL2 do not leak to EL1.
    ".irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17",
    "mov x\\n, xzr",
    ".endr",
    "eret",
    // Stops speculation past the ERET.
    "alternative_begin",
    "dsb nsh",
    "isb",
    "alternative_arm {sb}",
    ".arch_extension sb",
    "sb",
    "alternative_end",
    ".size leave, . - leave",
    ".popsection",
    //
    // A fault is the answer to the call: ERET returns to the kernel's `hyp_fault_landing`.
    ".pushsection .text.fault, \"ax\"",
    ".balign 4",
    ".type fault, %function",
    "fault:",
    "mrs x3, tpidr_el2",
    "sub sp, x3, #{frame}",
    // Its address at EL2, and from that the one at EL1.
    "adrp x4, hyp_fault_landing",
    "add x4, x4, :lo12:hyp_fault_landing",
    "alternative_begin",
    "movz x5, #0",
    "movk x5, #0, lsl #16",
    "movk x5, #0, lsl #32",
    "movk x5, #0, lsl #48",
    "alternative_cb {always}, HYP_OFFSET",
    "alternative_end",
    "sub x4, x4, x5",
    "str x4, [sp, #{return}]",
    "mov x0, #{fault}",
    "mrs x1, esr_el2",
    "mrs x2, far_el2",
    "b leave",
    ".size fault, . - fault",
    ".popsection",
    //
    // There is no caller to report to: PSCI SYSTEM_OFF, which ends the run without success.
    ".pushsection .text.stray, \"ax\"",
    ".balign 4",
    ".type stray, %function",
    "stray:",
    "movz w0, #8",
    "movk w0, #0x8400, lsl #16",
    "smc #0",
    "b stray",
    ".size stray, . - stray",
    ".popsection",
    always = const ALWAYS_SYSTEM.number(),
    sb = const SB.number(),
    fixed_x18 = const cfg!(feature = "fixed-x18") as u8,
    frame = const FRAME,
    return = const RETURN,
    hvc = const HVC64,
    fault = const status::FAULT,
    dispatch = sym dispatch,
);

/// A panic ends the call with the line and the column of its source.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let (line, column) = info
        .location()
        .map_or((0, 0), |place| (place.line(), place.column()));
    // SAFETY: a panic comes from a service, so a call is in progress; nothing here holds a resource
    // that a destructor would have to release.
    unsafe { leave(status::PANIC, line.into(), column.into()) }
}
