//! Comparing secrets: with PSTATE.DIT the timing of the instructions does not
//! depend on the data.

use core::arch::asm;

use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::DIT;

/// Whether two secrets of one length are equal, and PSTATE.DIT as it was while
/// they were compared.
fn compare(left: &[u8], right: &[u8], dit: impl Fn() -> u64) -> (bool, u64) {
    // SAFETY: the bit changes nothing but timing.
    unsafe {
        alternative!(
            "nop",
            DIT => ".arch_extension dit", "msr dit, #1",
            options(nomem, nostack, preserves_flags),
        );
    }
    let difference = left.iter().zip(right).fold(0, |all, (a, b)| all | (a ^ b));
    let during = dit();
    // SAFETY: as above.
    unsafe {
        alternative!(
            "nop",
            DIT => ".arch_extension dit", "msr dit, #0",
            options(nomem, nostack, preserves_flags),
        );
    }
    (left.len() == right.len() && difference == 0, during)
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "constant-time",
    run,
};

fn run(context: &Context<'_>) -> Result<(), Mismatch> {
    let dit = || {
        if !context.has(DIT) {
            return 0;
        }
        let value: u64;
        // SAFETY: the CPU has the register, by its cpucap.
        unsafe {
            asm!(".arch_extension dit", "mrs {}, dit", out(reg) value, options(nomem, nostack));
        }
        value >> 24
    };
    for (left, right) in [
        ("secret", "secret"),
        ("secret", "sacred"),
        ("secret", "secrets"),
    ] {
        let (same, during) = compare(left.as_bytes(), right.as_bytes(), dit);
        equal("the comparison", same.into(), (left == right).into())?;
        equal("PSTATE.DIT meanwhile", during, context.has(DIT).into())?;
    }
    equal("PSTATE.DIT afterwards", dit(), 0)
}
