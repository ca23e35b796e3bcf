//! The registers that a call to the hypervisor preserves, x18 with a shadow call stack among them.

use core::arch::naked_asm;

use defmt::{error, info};
use demo_hyp::abi::Service;

use crate::platform::outcome::Failed;

/// Number of calls.
const CALLS: u64 = 100_000;

/// The services that are called, in turn.
static SERVICES: [u64; 4] = [
    Service::Identity as u64,
    Service::Clobber as u64,
    Service::Caps as u64,
    Service::Count as u64,
];

/// Calls the hypervisor repeatedly and compares the registers after each call.
pub fn round_trips() -> Result<(), Failed> {
    // SAFETY: the function preserves the registers that the C ABI preserves; the services have no side effects.
    match unsafe { call_repeatedly(CALLS, &SERVICES) } {
        0 => {
            info!("hyp round-trips={=u64} ok x18-x30 sp d8-d15 kept", CALLS);
            Ok(())
        }
        left => {
            error!("hyp a register was lost {=u64} calls before the end", left);
            Err(Failed)
        }
    }
}

/// Makes `count` calls of the services, each with 0 in x1. Returns 0, or the number of calls left
/// after the first one that failed or changed a register.
///
/// Each register holds another value in each call: the number of the call, spread over all bits, plus
/// the number of the register, plus 100 for d8 to d15.
#[unsafe(naked)]
unsafe extern "C" fn call_repeatedly(count: u64, services: &[u64; 4]) -> u64 {
    naked_asm!(
        "stp x29, x30, [sp, #-208]!",
        "stp x18, x19, [sp, #16]",
        "stp x20, x21, [sp, #32]",
        "stp x22, x23, [sp, #48]",
        "stp x24, x25, [sp, #64]",
        "stp x26, x27, [sp, #80]",
        "str x28, [sp, #96]",
        "stp d8, d9, [sp, #112]",
        "stp d10, d11, [sp, #128]",
        "stp d12, d13, [sp, #144]",
        "stp d14, d15, [sp, #160]",
        // The state of the loop: the count, the services, SP.
        "mov x9, sp",
        "stp x0, x1, [sp, #176]",
        "str x9, [sp, #192]",
        "2:",
        "ldp x9, x10, [sp, #176]",
        "cbz x9, 4f",
        "mov x11, #0x5a5b",
        "movk x11, #0x9e37, lsl #16",
        "movk x11, #0x79b9, lsl #32",
        "movk x11, #0x7f4a, lsl #48",
        "mul x11, x9, x11",
        ".irp n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30",
        "add x\\n, x11, #\\n",
        ".endr",
        ".irp n, 8, 9, 10, 11, 12, 13, 14, 15",
        "add x12, x11, #(100 + \\n)",
        "fmov d\\n, x12",
        ".endr",
        "and x12, x9, #3",
        "ldr x0, [x10, x12, lsl #3]",
        "mov x1, xzr",
        "hvc #0",
        // Compares SP before it is used.
        "mov x12, sp",
        "ldr x13, [sp, #192]",
        "cmp x12, x13",
        "b.ne 3f",
        "cbnz x0, 3f",
        "ldr x9, [sp, #176]",
        "mov x11, #0x5a5b",
        "movk x11, #0x9e37, lsl #16",
        "movk x11, #0x79b9, lsl #32",
        "movk x11, #0x7f4a, lsl #48",
        "mul x11, x9, x11",
        ".irp n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30",
        "sub x12, x\\n, x11",
        "cmp x12, #\\n",
        "b.ne 3f",
        ".endr",
        ".irp n, 8, 9, 10, 11, 12, 13, 14, 15",
        "fmov x12, d\\n",
        "sub x12, x12, x11",
        "cmp x12, #(100 + \\n)",
        "b.ne 3f",
        ".endr",
        "sub x9, x9, #1",
        "str x9, [sp, #176]",
        "b 2b",
        "3:",
        "ldr x9, [sp, #176]",
        "4:",
        "mov x0, x9",
        "ldp x18, x19, [sp, #16]",
        "ldp x20, x21, [sp, #32]",
        "ldp x22, x23, [sp, #48]",
        "ldp x24, x25, [sp, #64]",
        "ldp x26, x27, [sp, #80]",
        "ldr x28, [sp, #96]",
        "ldp d8, d9, [sp, #112]",
        "ldp d10, d11, [sp, #128]",
        "ldp d12, d13, [sp, #144]",
        "ldp d14, d15, [sp, #160]",
        "ldp x29, x30, [sp], #208",
        "ret",
    )
}

/// Depth of the nested calls.
const DEPTH: u64 = 64;
/// Number of times that they are made.
const ROUNDS: u64 = 100;

/// Runs nested functions whose return addresses are on a shadow call stack, with calls to the
/// hypervisor in between. Their result depends on the order of the returns.
pub fn shadow_call_stack() -> Result<(), Failed> {
    let mut stack = [0; DEPTH as usize + 1];
    for _ in 0..ROUNDS {
        // SAFETY: the stack has room for the return address of each level.
        let sum = unsafe { with_shadow_stack(DEPTH, stack.as_mut_ptr(), Service::Clobber as u64) };
        // 2 s + level, from the innermost level 0 outwards.
        let model = (0..=DEPTH).fold(0u64, |sum, level| sum.wrapping_mul(2).wrapping_add(level));
        if sum != model {
            error!(
                "hyp shadow-call-stack FAILED {=u64:#x}, not {=u64:#x}",
                sum, model
            );
            return Err(Failed);
        }
    }
    let levels = ROUNDS * (DEPTH + 1);
    info!("hyp shadow-call-stack ok frames={=u64}", levels);
    Ok(())
}

/// Calls `nested` with `stack` in x18.
#[unsafe(naked)]
unsafe extern "C" fn with_shadow_stack(depth: u64, stack: *mut u64, service: u64) -> u64 {
    naked_asm!(
        "stp x29, x30, [sp, #-32]!",
        "str x18, [sp, #16]",
        "mov x18, x1",
        "bl {nested}",
        "ldr x18, [sp, #16]",
        "ldp x29, x30, [sp], #32",
        "ret",
        nested = sym nested,
    )
}

/// Calls itself `depth` times, and the hypervisor at each level before and after. The return address
/// is stored on the shadow call stack only.
#[unsafe(naked)]
unsafe extern "C" fn nested(depth: u64, _: *mut u64, service: u64) -> u64 {
    naked_asm!(
        "str x30, [x18], #8",
        "stp x0, x2, [sp, #-16]!",
        "mov x1, x0",
        "mov x0, x2",
        "hvc #0",
        "ldp x0, x2, [sp]",
        "mov x3, x0",
        "mov x0, xzr",
        "cbz x3, 2f",
        "sub x0, x3, #1",
        "bl {nested}",
        "2:",
        // The result of the inner level is kept on the stack during a call.
        "ldp x3, x2, [sp]",
        "add x0, x3, x0, lsl #1",
        "str x0, [sp]",
        "mov x1, x0",
        "mov x0, x2",
        "hvc #0",
        "ldp x0, x2, [sp], #16",
        "ldr x30, [x18, #-8]!",
        "ret",
        nested = sym nested,
    )
}
