//! A spin lock. Its exchange is a call of an outline atomic, which becomes SWPA.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

/// A value that one CPU at a time may access.
pub struct SpinLock<T> {
    /// 1 while it is held.
    held: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: only the CPU that holds the lock accesses the value.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// A lock that is not held.
    pub const fn new(value: T) -> Self {
        Self {
            held: AtomicU32::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lock if it is free; returns whether it was.
    fn try_acquire(&self) -> bool {
        self.held.swap(1, Ordering::Acquire) == 0
    }

    /// Takes the lock, runs `action` on the value and releases the lock.
    pub fn with<R>(&self, action: impl FnOnce(&mut T) -> R) -> R {
        while !self.try_acquire() {
            // A load keeps the cache line shared; an exchange would not.
            while self.held.load(Ordering::Relaxed) != 0 {
                core::hint::spin_loop();
            }
        }
        self.run_and_release(action)
    }

    /// Like [`with`](Self::with) if the lock is free; otherwise `None`, without calling `action`.
    pub fn try_with<R>(&self, action: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.try_acquire().then(|| self.run_and_release(action))
    }

    /// To be called while this CPU holds the lock.
    fn run_and_release<R>(&self, action: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: this CPU holds the lock.
        let result = action(unsafe { &mut *self.value.get() });
        self.held.store(0, Ordering::Release);
        result
    }
}
