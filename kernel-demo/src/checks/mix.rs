//! A long site whose variants can be told apart, and so can a
//! mix of them.

use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::ALWAYS_SYSTEM;

/// Instructions of the site: so many that another CPU cannot pass through it while
/// it is written, if nobody holds that CPU.
const LENGTH: u64 = 64;

/// How many instructions of the default and of the arm have run.
#[inline]
fn count() -> (u64, u64) {
    let (mut default, mut arm) = (0, 0);
    // SAFETY: both variants count in a register.
    unsafe {
        alternative!(
            ".rept {length}",
            "add {default}, {default}, #1",
            ".endr",
            ALWAYS_SYSTEM => ".rept {length}", "add {arm}, {arm}, #1", ".endr",
            length = const LENGTH,
            default = inout(reg) default,
            arm = inout(reg) arm,
            options(nomem, nostack, preserves_flags),
        );
    }
    (default, arm)
}

/// Whether this CPU has just executed one variant, whole.
#[inline(never)]
pub fn is_whole() -> bool {
    matches!(count(), (LENGTH, 0) | (0, LENGTH))
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check { name: "mix", run };

fn run(context: &Context<'_>) -> Result<(), Mismatch> {
    let (default, arm) = count();
    let (expected, other) = if context.has(ALWAYS_SYSTEM) {
        (arm, default)
    } else {
        (default, arm)
    };
    equal("instructions of the variant", expected, LENGTH)?;
    equal("instructions of the other one", other, 0)
}
