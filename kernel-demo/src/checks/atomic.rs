//! Checks of the atomics and of the spin lock.

use core::sync::atomic::{AtomicU64, Ordering};

use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::features::atomic::{Pair, fetch_add, load_acquire, load_pair};
use crate::features::spinlock::SpinLock;

#[distributed_slice(CHECKS)]
static ATOMIC: Check = Check {
    name: "atomic",
    run: atomic,
};

fn atomic(_: &Context<'_>) -> Result<(), Mismatch> {
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
    Ok(())
}

#[distributed_slice(CHECKS)]
static ACQUIRE: Check = Check {
    name: "acquire",
    run: acquire,
};

fn acquire(_: &Context<'_>) -> Result<(), Mismatch> {
    for n in [0, 0x0123_4567_89ab_cdef, u64::MAX] {
        equal("the value", load_acquire(&AtomicU64::new(n)), n)?;
    }
    Ok(())
}

#[distributed_slice(CHECKS)]
static ATOMIC128: Check = Check {
    name: "atomic128",
    run: atomic128,
};

fn atomic128(_: &Context<'_>) -> Result<(), Mismatch> {
    for n in [0, 1, u64::MAX / 3] {
        let (low, high) = load_pair(&mut Pair(n, !n));
        equal("the low word", low, n)?;
        equal("the high word", high, !n)?;
    }
    Ok(())
}

#[distributed_slice(CHECKS)]
static SPINLOCK: Check = Check {
    name: "spinlock",
    run: spinlock,
};

fn spinlock(_: &Context<'_>) -> Result<(), Mismatch> {
    let lock = SpinLock::new(40);
    equal(
        "the value inside",
        lock.with(|n| {
            *n += 2;
            *n
        }),
        42,
    )?;
    let is_free = || lock.try_with(|_| ()).is_some().into();
    equal("taking a free lock", is_free(), 1)?;
    equal("taking a held lock", lock.with(|_| is_free()), 0)?;
    equal("the value", lock.with(|n| *n), 42)
}
