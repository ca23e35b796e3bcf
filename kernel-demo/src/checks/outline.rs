//! Outline atomics: the atomics of `core`, `alloc` and other crates, which are calls of helpers
//! before the pass and one instruction after it where the CPUs have LSE.

extern crate alloc;

use alloc::sync::Arc;
use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{
    AtomicI32, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

use crossbeam_queue::ArrayQueue;
use linkme::distributed_slice;
use spin::Once;
use spin::mutex::SpinMutex;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::platform::board::MAX_CPUS;

const ORDERS: [Ordering; 5] = [
    Ordering::Relaxed,
    Ordering::Acquire,
    Ordering::Release,
    Ordering::AcqRel,
    Ordering::SeqCst,
];

#[distributed_slice(CHECKS)]
static OPERATIONS: Check = Check {
    name: "outline",
    run: operations,
};

/// Each operation of a width in one order, against plain arithmetic.
macro_rules! check_width {
    ($atomic:ident, $int:ty, $order:expr) => {{
        let (atomic, mut model): (_, $int) = ($atomic::new(7), 7);
        for n in [0, 1, 0x5a, <$int>::MAX, <$int>::MIN] {
            let before = model;
            equal(
                "fetch_add",
                atomic.fetch_add(n, $order) as u64,
                before as u64,
            )?;
            model = model.wrapping_add(n);
            equal(
                "fetch_sub",
                atomic.fetch_sub(3, $order) as u64,
                model as u64,
            )?;
            model = model.wrapping_sub(3);
            equal(
                "fetch_and",
                atomic.fetch_and(!n, $order) as u64,
                model as u64,
            )?;
            model &= !n;
            equal(
                "fetch_or",
                atomic.fetch_or(0x21, $order) as u64,
                model as u64,
            )?;
            model |= 0x21;
            equal(
                "fetch_xor",
                atomic.fetch_xor(n, $order) as u64,
                model as u64,
            )?;
            model ^= n;
            for expected in [model, model.wrapping_add(1)] {
                let result = atomic.compare_exchange(expected, n, $order, Ordering::Relaxed);
                let (Ok(old) | Err(old)) = result;
                equal("compare_exchange", old as u64, model as u64)?;
                equal(
                    "its success",
                    result.is_ok().into(),
                    (expected == model).into(),
                )?;
                if result.is_ok() {
                    model = n;
                }
            }
            equal("swap", atomic.swap(before, $order) as u64, model as u64)?;
            model = before;
            equal(
                "the value",
                atomic.load(Ordering::Relaxed) as u64,
                model as u64,
            )?;
        }
    }};
}

fn operations(_: &Context<'_>) -> Result<(), Mismatch> {
    // The order is a constant in each call of `check_width`, so each is a helper of its own.
    check_width!(AtomicU8, u8, Ordering::Relaxed);
    check_width!(AtomicU8, u8, Ordering::SeqCst);
    check_width!(AtomicU16, u16, Ordering::Acquire);
    check_width!(AtomicU16, u16, Ordering::AcqRel);
    check_width!(AtomicU32, u32, Ordering::Release);
    check_width!(AtomicI32, i32, Ordering::SeqCst);
    check_width!(AtomicU64, u64, Ordering::Relaxed);
    check_width!(AtomicU64, u64, Ordering::AcqRel);
    // An order that is known at run time only.
    let counter = AtomicU64::new(0);
    for (count, order) in (0..).zip(ORDERS) {
        equal("the counter", counter.fetch_add(1, order), count)?;
    }
    Ok(())
}

unsafe extern "C" {
    /// The helper for 16 bytes, since the atomic type of that size is not stable: stores `new` if
    /// the value is `expected`; returns the old value. Acquire and release order.
    ///
    /// # Safety
    /// `value` must be valid and aligned to 16 bytes.
    fn __aarch64_cas16_acq_rel(expected: u128, new: u128, value: *mut u128) -> u128;
}

/// A value of 16 bytes that is changed in one step.
struct Pair(UnsafeCell<u128>);

// SAFETY: the value is accessed by the helper only.
unsafe impl Sync for Pair {}

impl Pair {
    fn compare_exchange(&self, expected: u128, new: u128) -> u128 {
        // SAFETY: the value is valid, and a u128 is aligned to 16 bytes.
        unsafe { __aarch64_cas16_acq_rel(expected, new, self.0.get()) }
    }

    fn load(&self) -> u128 {
        self.compare_exchange(0, 0)
    }
}

#[distributed_slice(CHECKS)]
static CAS128: Check = Check {
    name: "cas128",
    run: cas128,
};

fn cas128(_: &Context<'_>) -> Result<(), Mismatch> {
    const FIRST: u128 = 0x0123_4567_89ab_cdef_0011_2233_4455_6677;
    let halves = |what, value: u128, expected: u128| {
        equal(what, value as u64, expected as u64)?;
        equal(what, (value >> 64) as u64, (expected >> 64) as u64)
    };
    let pair = Pair(UnsafeCell::new(FIRST));
    halves("the pair", pair.compare_exchange(FIRST, !FIRST), FIRST)?;
    // One half differs.
    for half in [1, 1 << 64] {
        halves(
            "the other pair",
            pair.compare_exchange(!FIRST ^ half, 0),
            !FIRST,
        )?;
    }
    halves("the pair after", pair.load(), !FIRST)
}

#[distributed_slice(CHECKS)]
static ARC: Check = Check {
    name: "arc",
    run: arc,
};

fn arc(_: &Context<'_>) -> Result<(), Mismatch> {
    let first = Arc::new(<SpinMutex<u64>>::new(40));
    let weak = Arc::downgrade(&first);
    let second = weak.upgrade().unwrap_or_default();
    *second.lock() += 2;
    equal("the value", *first.lock(), 42)?;
    equal("strong references", Arc::strong_count(&first) as u64, 2)?;
    drop(first);
    equal("references left", Arc::strong_count(&second) as u64, 1)?;
    drop(second);
    equal("references of the dead", weak.strong_count() as u64, 0)
}

#[distributed_slice(CHECKS)]
static QUEUE: Check = Check {
    name: "queue",
    run: queue,
};

fn queue(_: &Context<'_>) -> Result<(), Mismatch> {
    let queue = ArrayQueue::new(8);
    for n in 0..8 {
        equal("enqueue", queue.push(n).is_ok().into(), 1)?;
    }
    equal("a full queue", queue.push(8).is_ok().into(), 0)?;
    for n in 0..8 {
        equal("dequeue", queue.pop().unwrap_or(u64::MAX), n)?;
    }
    equal("an empty queue", queue.pop().is_some().into(), 0)
}

/* # On several CPUs */

static SHARED: SpinMutex<Option<Arc<AtomicU64>>> = SpinMutex::new(None);
static PAIR: Pair = Pair(UnsafeCell::new(0));
static TOKENS: Once<ArrayQueue<u64>> = Once::new();
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// One round on this CPU; [`check_stress`] knows the results of all of them.
pub fn stress() {
    let shared = SHARED.lock().get_or_insert_default().clone();
    shared.fetch_add(1, Ordering::Relaxed);
    // Both halves count, and must never be seen apart.
    let mut seen = PAIR.load();
    loop {
        let old = PAIR.compare_exchange(seen, seen.wrapping_add(1 << 64 | 1));
        if old == seen {
            break;
        }
        seen = old;
    }
    // At most one token of each CPU is in the queue.
    let tokens = TOKENS.call_once(|| ArrayQueue::new(MAX_CPUS));
    while tokens.push(1).is_err() {}
    loop {
        if let Some(n) = tokens.pop() {
            TAKEN.fetch_add(n, Ordering::AcqRel);
            break;
        }
    }
}

/// Whether the rounds of all CPUs are accounted for. Begins again at 0.
pub fn check_stress(rounds: u64) -> Result<(), Mismatch> {
    let shared = SHARED.lock().take().unwrap_or_default();
    equal("rounds by Arc", shared.load(Ordering::Relaxed), rounds)?;
    equal("references left", Arc::strong_count(&shared) as u64, 1)?;
    let pair = PAIR.load();
    equal("rounds by pair", pair as u64, rounds)?;
    equal("the other half", (pair >> 64) as u64, rounds)?;
    PAIR.compare_exchange(pair, 0);
    equal("tokens", TAKEN.swap(0, Ordering::Relaxed), rounds)
}

/* # Memory for Arc */

const MEMORY: usize = 4096;

/// Memory that is given out once.
struct Arena {
    memory: UnsafeCell<[u8; MEMORY]>,
    used: AtomicUsize,
}

// SAFETY: `used` gives each byte to one owner.
unsafe impl Sync for Arena {}

#[global_allocator]
static ARENA: Arena = Arena {
    memory: UnsafeCell::new([0; MEMORY]),
    used: AtomicUsize::new(0),
};

// SAFETY: each block is inside the memory, aligned, and given out once.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Room for any alignment.
        let size = layout.size() + layout.align();
        let used = self.used.fetch_add(size, Ordering::Relaxed);
        if used.saturating_add(size) > MEMORY {
            return ptr::null_mut();
        }
        let block = self.memory.get().cast::<u8>().wrapping_add(used);
        block.wrapping_add(block.align_offset(layout.align()))
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
