//! Acquire load: LDAR, or the weaker LDAPR, which need not wait for earlier
//! store-releases to other addresses.

use core::sync::atomic::AtomicU64;

use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::LRCPC;

/// Loads with acquire order.
#[inline]
pub fn load(value: &AtomicU64) -> u64 {
    let loaded;
    // SAFETY: both variants are one load with acquire order.
    unsafe {
        alternative!(
            "ldar {loaded}, [{value}]",
            LRCPC => ".arch_extension rcpc", "ldapr {loaded}, [{value}]",
            value = in(reg) value.as_ptr(),
            loaded = out(reg) loaded,
            options(nostack, preserves_flags, readonly),
        );
    }
    loaded
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "acquire",
    run,
};

fn run(_: &Context<'_>) -> Result<(), Mismatch> {
    for n in [0, 0x0123_4567_89ab_cdef, u64::MAX] {
        equal("the value", load(&AtomicU64::new(n)), n)?;
    }
    Ok(())
}
