//! Counters and flags: load-exclusive and store-exclusive in a loop, or one
//! instruction of LSE.

use core::sync::atomic::{AtomicU64, Ordering};

use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::LSE;

/// Adds `n`, wrapping, and returns the value before. Relaxed order.
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

/// Sets `bits` and returns the value before. Release order.
#[inline]
pub fn fetch_or(flags: &AtomicU64, bits: u64) -> u64 {
    let old;
    // SAFETY: both variants are one atomic OR with the flags.
    unsafe {
        alternative!(
            "2: ldxr  {old}, [{flags}]",
            "   orr   {new}, {old}, {bits}",
            "   stlxr {failed:w}, {new}, [{flags}]",
            "   cbnz  {failed:w}, 2b",
            LSE => ".arch_extension lse", "ldsetl {bits}, {old}, [{flags}]",
            flags = in(reg) flags.as_ptr(),
            bits = in(reg) bits,
            old = out(reg) old,
            new = out(reg) _,
            failed = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
    old
}

/// Puts `new` if the value is `expected`; returns the value before. Acquire and
/// release order.
#[inline]
pub fn compare_exchange(value: &AtomicU64, expected: u64, new: u64) -> u64 {
    let old;
    // SAFETY: both variants are one atomic compare and exchange.
    unsafe {
        alternative!(
            "2: ldaxr {old}, [{value}]",
            "   eor   {scratch}, {old}, {expected}",
            "   cbnz  {scratch}, 3f",
            "   stlxr {scratch:w}, {new}, [{value}]",
            "   cbnz  {scratch:w}, 2b",
            "3:",
            LSE =>
                ".arch_extension lse",
                "mov   {old}, {expected}",
                "casal {old}, {new}, [{value}]",
            value = in(reg) value.as_ptr(),
            expected = in(reg) expected,
            new = in(reg) new,
            old = out(reg) old,
            scratch = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
    old
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "atomic",
    run,
};

fn run(_: &Context<'_>) -> Result<(), Mismatch> {
    let (counter, mut model) = (AtomicU64::new(u64::MAX - 3), u64::MAX - 3);
    for n in [1, 2, 5, u64::MAX, 1 << 63, 0] {
        equal(
            "the value before the addition",
            fetch_add(&counter, n),
            model,
        )?;
        model = model.wrapping_add(n);
        equal("the counter", counter.load(Ordering::Relaxed), model)?;
    }
    for bits in [0, 1, 0xff << 40, u64::MAX] {
        equal("the flags before", fetch_or(&counter, bits), model)?;
        model |= bits;
        equal("the flags", counter.load(Ordering::Relaxed), model)?;
    }
    for (expected, new) in [(7, 8), (u64::MAX, 9), (u64::MAX, 10), (9, 11)] {
        equal(
            "the value before the exchange",
            compare_exchange(&counter, expected, new),
            model,
        )?;
        model = if model == expected { new } else { model };
        equal("the value", counter.load(Ordering::Relaxed), model)?;
    }
    Ok(())
}
