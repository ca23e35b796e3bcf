//! Atomics that the compiler does not outline: loads in the weakest form that a CPU has. All other
//! atomics of the kernel are those of `core`, which alt-ld makes sites.

use core::sync::atomic::AtomicU64;

use alt_runtime::alternative;

use crate::cpucaps::{LRCPC, LSE, LSE2};

/// Adds `n`, wrapping, and returns the old value. Relaxed order.
///
/// An example of the form: `counter.fetch_add(n, Ordering::Relaxed)` becomes the same instruction.
#[inline]
pub fn fetch_add(counter: &AtomicU64, n: u64) -> u64 {
    let old;
    // SAFETY: both variants are one atomic addition to the counter.
    unsafe {
        alternative!(
            "2: ldxr {old}, [{counter}]",
            "   add  {new}, {old}, {n}",
            "   stxr {failed:w}, {new}, [{counter}]",
            "   cbnz {failed:w}, 2b",
            LSE => ".arch_extension lse", "ldadd {n}, {old}, [{counter}]",
            counter = in(reg) counter.as_ptr(),
            n = in(reg) n,
            old = out(reg) old,
            new = out(reg) _,
            failed = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
    old
}

/// Loads with acquire order: by LDAR, or by LDAPR, which need not wait for earlier store-releases to
/// other addresses.
#[inline]
pub fn load_acquire(value: &AtomicU64) -> u64 {
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

/// Two words that are read in one step, such as a page-table entry of 128 bits.
#[repr(C, align(16))]
pub struct Pair(pub u64, pub u64);

/// Loads both words in one step: by a pair of exclusives, or by a plain pair load where FEAT_LSE2
/// makes it atomic.
#[inline]
pub fn load_pair(pair: &mut Pair) -> (u64, u64) {
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
