//! Reading 16 bytes at once, as for a page-table entry of 128 bits: a pair of
//! exclusives, or a plain pair load where LSE2 makes it atomic.

use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::LSE2;

/// Two words that are read together.
#[repr(C, align(16))]
pub struct Pair(u64, u64);

/// Both words of one moment.
#[inline]
pub fn load(pair: &mut Pair) -> (u64, u64) {
    let (low, high);
    // SAFETY: both variants load the 16 bytes; the exclusive one stores the same
    // value again, since a pair of exclusives is atomic only as a whole
    // (Arm ARM B2.2.1).
    unsafe {
        alternative!(
            "2: ldxp {low}, {high}, [{pair}]",
            "   stxp {failed:w}, {low}, {high}, [{pair}]",
            "   cbnz {failed:w}, 2b",
            LSE2 => "ldp {low}, {high}, [{pair}]",
            pair = in(reg) &raw mut *pair,
            low = out(reg) low,
            high = out(reg) high,
            failed = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
    (low, high)
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "atomic128",
    run,
};

fn run(_: &Context<'_>) -> Result<(), Mismatch> {
    for n in [0, 1, u64::MAX / 3] {
        let (low, high) = load(&mut Pair(n, !n));
        equal("the low word", low, n)?;
        equal("the high word", high, !n)?;
    }
    Ok(())
}
