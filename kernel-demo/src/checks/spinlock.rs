//! A spinlock: exclusives, or SWPA.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::LSE;

/// A value that one CPU at a time may touch.
pub struct SpinLock<T> {
    /// 1 while it is held.
    held: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only by the CPU that holds the lock.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// An open lock.
    pub const fn new(value: T) -> Self {
        Self {
            held: AtomicU32::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lock if it is open; says whether it was.
    fn try_acquire(&self) -> bool {
        let before: u32;
        // SAFETY: both variants are one atomic exchange with acquire order.
        unsafe {
            alternative!(
                "2: ldaxr {before:w}, [{held}]",
                "   stxr  {failed:w}, {one:w}, [{held}]",
                "   cbnz  {failed:w}, 2b",
                LSE => ".arch_extension lse", "swpa {one:w}, {before:w}, [{held}]",
                held = in(reg) self.held.as_ptr(),
                one = in(reg) 1,
                before = out(reg) before,
                failed = out(reg) _,
                options(nostack, preserves_flags),
            );
        }
        before == 0
    }

    /// Runs `action` on the value while no other CPU can.
    pub fn with<R>(&self, action: impl FnOnce(&mut T) -> R) -> R {
        while !self.try_acquire() {
            // Looking is cheaper than taking.
            while self.held.load(Ordering::Relaxed) != 0 {
                core::hint::spin_loop();
            }
        }
        // SAFETY: the lock is held, and not by anyone else.
        let result = action(unsafe { &mut *self.value.get() });
        self.held.store(0, Ordering::Release);
        result
    }
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "spinlock",
    run,
};

fn run(_: &Context<'_>) -> Result<(), Mismatch> {
    let lock = SpinLock::new(40);
    equal(
        "the value inside",
        lock.with(|n| {
            *n += 2;
            *n
        }),
        42,
    )?;
    equal("taking an open lock", lock.try_acquire().into(), 1)?;
    equal("taking a held lock", lock.try_acquire().into(), 0)?;
    lock.held.store(0, Ordering::Release);
    equal("the value", lock.with(|n| *n), 42)
}
