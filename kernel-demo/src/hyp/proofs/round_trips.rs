//! Calls over and over, with a pattern in each register that a call has to keep.

use core::arch::naked_asm;

use defmt::{error, info};
use demo_hyp::abi::Service;

use crate::kernel::Failed;

/// How many calls.
const CALLS: u64 = 100_000;

/// They take turns.
static SERVICES: [u64; 4] = [
    Service::Identity as u64,
    Service::Clobber as u64,
    Service::Caps as u64,
    Service::Count as u64,
];

/// Calls, and looks at the registers after each call.
pub fn check() -> Result<(), Failed> {
    // SAFETY: the function keeps what the C ABI keeps; the services have no effect.
    match unsafe { round_trips(CALLS, &SERVICES) } {
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

/// Calls the services `count` times, each with 0 in x1. Returns how many calls are left after one
/// that failed or lost a register, that is 0 if none did.
///
/// The patterns differ from register to register and from call to call: the number of the call,
/// spread over all bits, plus the number of the register (100 more for d8 to d15).
#[unsafe(naked)]
unsafe extern "C" fn round_trips(count: u64, services: &[u64; 4]) -> u64 {
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
        // What the loop needs, and where it is: the count, the services, SP.
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
        // In memory, if SP is what it was.
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
