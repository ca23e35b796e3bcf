//! Entry from user space: a CPU whose branch predictors can be trained from there
//! clears the branch history first, by an instruction or by a loop of branches;
//! others go straight on.

use core::sync::atomic::{AtomicU64, Ordering};

use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::{CLRBHB, SPECTRE_BHB};

/// How often the loop ran.
static LOOPS: AtomicU64 = AtomicU64::new(0);

/// Stands for the loop. Its length depends on the model.
extern "C" fn clear_history() {
    LOOPS.fetch_add(1, Ordering::Relaxed);
}

/// The way into the kernel. CLRBHB is in the space of hints, and needs no assembler that knows it.
fn enter_kernel() {
    // SAFETY: the function follows the C ABI, whose registers are clobbered.
    unsafe {
        alternative!(
            "nop",
            SPECTRE_BHB & CLRBHB => "hint #22",
            SPECTRE_BHB & !CLRBHB => "bl {clear}",
            clear = sym clear_history,
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
    let before = LOOPS.load(Ordering::Relaxed);
    for _ in 0..5 {
        enter_kernel();
    }
    let loops = LOOPS.load(Ordering::Relaxed) - before;
    let expected = context.has(SPECTRE_BHB) && context.lacks(CLRBHB);
    equal("loops", loops, if expected { 5 } else { 0 })
}
