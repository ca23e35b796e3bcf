//! A counter of all CPUs, in the hypervisor's own data.

use core::sync::atomic::AtomicU64;

use alt_runtime::alternative;

use super::Service;
use crate::image::cpucaps::LSE;

/// Not 0, so that it is in `.data`.
static COUNTER: AtomicU64 = AtomicU64::new(crate::abi::COUNT_FROM);

/// [`Count`](crate::abi::Service::Count).
pub struct Count;

impl Service for Count {
    fn run(&self, [n, _]: [u64; 2]) -> u64 {
        let old;
        // SAFETY: both variants are one atomic addition to the counter.
        unsafe {
            alternative!(
                "2: ldxr {old}, [{counter}]",
                "   add  {new}, {old}, {n}",
                "   stxr {failed:w}, {new}, [{counter}]",
                "   cbnz {failed:w}, 2b",
                LSE => ".arch_extension lse", "ldadd {n}, {old}, [{counter}]",
                counter = in(reg) COUNTER.as_ptr(),
                n = in(reg) n,
                old = out(reg) old,
                new = out(reg) _,
                failed = out(reg) _,
                options(nostack, preserves_flags),
            );
        }
        old
    }
}
