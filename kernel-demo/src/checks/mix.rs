//! A site of several instructions whose variants can be told apart, and so can a
//! mix of them.

use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::ALWAYS_SYSTEM;

/// What the four instructions of the site say: all 1 before the pass, all 2 after.
#[inline]
fn read() -> [u64; 4] {
    let (a, b, c, d);
    // SAFETY: both variants set the four registers.
    unsafe {
        alternative!(
            "mov {a}, #1",
            "mov {b}, #1",
            "mov {c}, #1",
            "mov {d}, #1",
            ALWAYS_SYSTEM => "mov {a}, #2", "mov {b}, #2", "mov {c}, #2", "mov {d}, #2",
            a = out(reg) a,
            b = out(reg) b,
            c = out(reg) c,
            d = out(reg) d,
            options(nomem, nostack, preserves_flags),
        );
    }
    [a, b, c, d]
}

/// Whether this CPU has just executed one variant, whole.
#[inline(never)]
pub fn is_whole() -> bool {
    matches!(read(), [1, 1, 1, 1] | [2, 2, 2, 2])
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check { name: "mix", run };

fn run(context: &Context<'_>) -> Result<(), Mismatch> {
    let expected = if context.has(ALWAYS_SYSTEM) { 2 } else { 1 };
    for value in read() {
        equal("the variant", value, expected)?;
    }
    Ok(())
}
