//! The vectors, and the boundary: all that a call may not change is saved here, and given back
//! from here, however the call ends.

use core::arch::global_asm;

use super::cpucaps::{ALWAYS_SYSTEM, SB};
use super::handle::handle;
use crate::abi::status;

unsafe extern "C" {
    /// Ends the call with this status and these values.
    ///
    /// # Safety
    /// For code that a call has led to; its stack is gone.
    #[link_name = "leave"]
    pub fn leave(status: u64, first: u64, second: u64) -> !;
}

/// What is saved of a call, in bytes, at the top of the CPU's stack: x18 to x30, a gap, ELR_EL2 and SPSR_EL2.
const FRAME: usize = 128;
/// Where ELR_EL2 and SPSR_EL2 are in it.
const RETURN: usize = 112;
/// ESR_EL2.EC of an HVC instruction at EL1.
const HVC64: u64 = 0x16;

// x18 is saved although it is no callee-saved register: at EL1 it may be the platform's, and hold
// a shadow call stack. Where nothing here uses it, that is proved of the image, and it stays where
// it is.
global_asm!(
    alt_runtime::asm_macros!(),
    ".pushsection .text.vectors, \"ax\"",
    // 16 entries of 32 instructions; the table is aligned to its size, as VBAR_EL2 asks.
    ".balign 2048",
    ".globl vectors",
    ".type vectors, %function",
    "vectors:",
    // From EL2 itself: a fault of a service.
    ".rept 8",
    ".balign 128",
    "b fault",
    ".endr",
    // From EL1: a call. The handler may be further away than a branch reaches, at an address that
    // is known at boot.
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
    // B.cond does not reach as far as B, and the linker may put the two anywhere.
    "b.eq 2f",
    "b stray",
    "2:",
    // The end of the chain of frames.
    "mov x29, xzr",
    "bl {handle}",
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
    // What is left in the others is nobody's business at EL1.
    ".irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17",
    "mov x\\n, xzr",
    ".endr",
    "eret",
    // Nothing is executed behind it, not even on suspicion.
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
    // The kernel gets the fault as the answer to its call: ERET goes to its landing.
    ".pushsection .text.fault, \"ax\"",
    ".balign 4",
    ".type fault, %function",
    "fault:",
    "mrs x3, tpidr_el2",
    "sub sp, x3, #{frame}",
    // The address of the landing here, and from it that of EL1.
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
    // Nobody is there to be told: PSCI SYSTEM_OFF, and the run is not a success.
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
    handle = sym handle,
);
