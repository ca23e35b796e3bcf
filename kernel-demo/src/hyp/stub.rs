//! Stub vectors, which the first instructions leave at EL2: one call replaces them.

use core::arch::{asm, global_asm};

use demo_hyp::abi::status;

/// x0 of that call. It is not the number of a service.
const INSTALL: u64 = 0x5354;

// They run with the MMU of EL2 off, at their physical address, so they have cache lines of their own
// and contain no site.
global_asm!(
    ".pushsection .text.hyp_stub_vectors, \"ax\"",
    ".balign 2048",
    ".globl hyp_stub_vectors",
    "hyp_stub_vectors:",
    ".rept 8",
    ".balign 128",
    "b 3f",
    ".endr",
    // From EL1. ESR_EL2.EC 0x16 is HVC.
    ".balign 128",
    "mov w9, #{install}",
    "cmp x0, x9",
    "b.eq 2f",
    "mov x0, #{absent}",
    "eret",
    "2: br x1",
    // Anything else is unexpected: PSCI SYSTEM_OFF, which ends the run without success.
    "3: movz w0, #8",
    "movk w0, #0x8400, lsl #16",
    "smc #0",
    "b 3b",
    ".rept 7",
    ".balign 128",
    "b 3b",
    ".endr",
    ".balign 2048",
    ".popsection",
    install = const INSTALL,
    absent = const status::ABSENT,
);

/// Calls `init` at EL2 through the stub; it installs other vectors. Returns the status.
///
/// # Safety
/// `init` must be the physical address of code for EL2 with the MMU off that takes these values in
/// x2 to x6, changes only x0 to x9, and returns by ERET.
pub unsafe fn install(
    init: usize,
    ttbr0: usize,
    tcr: u64,
    mair: u64,
    vbar: u64,
    stack: u64,
) -> u64 {
    let answer;
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "hvc #0",
            inout("x0") INSTALL => answer,
            inout("x1") init => _,
            inout("x2") ttbr0 => _,
            inout("x3") tcr => _,
            inout("x4") mair => _,
            inout("x5") vbar => _,
            inout("x6") stack => _,
            clobber_abi("C"),
        );
    }
    answer
}
