//! A speculation barrier behind a bounds check: DSB and ISB, or SB.

use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::SB;

/// Nothing after it is speculated on a condition before it.
#[inline]
pub fn speculation_barrier() {
    // SAFETY: barriers have no effect but order.
    unsafe {
        alternative!(
            "dsb nsh",
            "isb",
            SB => ".arch_extension sb", "sb",
            options(nostack, preserves_flags),
        );
    }
}

/// An element chosen by someone who is not trusted.
pub fn read(table: &[u64], index: usize) -> Option<u64> {
    if index < table.len() {
        speculation_barrier();
    }
    table.get(index).copied()
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "barrier",
    run,
};

fn run(_: &Context<'_>) -> Result<(), Mismatch> {
    let table = [3, 1, 4, 1, 5];
    for index in 0..7 {
        let model = if index < 5 { table[index] } else { u64::MAX };
        equal(
            "the element",
            read(&table, index).unwrap_or(u64::MAX),
            model,
        )?;
    }
    Ok(())
}
