//! Code of EL1 whose return addresses are on a shadow call stack, by x18, and calls in between.

use core::arch::naked_asm;

use defmt::{error, info};
use demo_hyp::abi::Service;

use crate::kernel::Failed;

/// How deep the calls are nested.
const DEPTH: u64 = 64;
/// How often.
const ROUNDS: u64 = 100;

/// Runs it, and looks at the result, which only comes about in the right order.
pub fn check() -> Result<(), Failed> {
    let mut stack = [0; DEPTH as usize + 1];
    for _ in 0..ROUNDS {
        // SAFETY: the stack has room for a return address of each level.
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

/// Calls itself `depth` times, and the hypervisor at each level before and after that. The return
/// address is nowhere but on the shadow call stack.
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
        // What the inner level returned, past a call.
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
