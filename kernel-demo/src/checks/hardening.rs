//! Crossing into user space: a CPU that may speculate past its rights (no CSV3)
//! needs a flush on the way, others go straight on.

use core::sync::atomic::{AtomicU64, Ordering};

use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::CSV3;

/// How often the flush ran.
static FLUSHES: AtomicU64 = AtomicU64::new(0);

extern "C" fn flush() {
    FLUSHES.fetch_add(1, Ordering::Relaxed);
}

/// The way to user space: nothing, or a call.
fn leave_kernel() {
    // SAFETY: the function follows the C ABI, whose registers are clobbered.
    unsafe {
        alternative!(
            "nop",
            !CSV3 => "bl {flush}",
            flush = sym flush,
            clobber_abi("C"),
        );
    }
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "hardening",
    run,
};

fn run(context: &Context<'_>) -> Result<(), Mismatch> {
    let before = FLUSHES.load(Ordering::Relaxed);
    for _ in 0..5 {
        leave_kernel();
    }
    let flushes = FLUSHES.load(Ordering::Relaxed) - before;
    equal("flushes", flushes, if context.lacks(CSV3) { 5 } else { 0 })
}
