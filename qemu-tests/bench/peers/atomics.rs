//! Atomics as the compiler generates them. Compiled once for each way, which is part of the names.
#![no_std]

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

#[inline(always)]
fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[inline(always)]
fn lock_unlock(lock: &AtomicU32) {
    while lock.swap(1, Ordering::Acquire) != 0 {}
    lock.store(0, Ordering::Release);
}

macro_rules! export {
    ($way:ident, $add:literal, $add_twice:literal, $lock:literal, $lock_twice:literal) => {
        #[cfg($way)]
        const _: () = {
            #[unsafe(export_name = $add)]
            #[cfg_attr(helper, unsafe(link_section = ".text.alt_patcher.bench"))]
            extern "C" fn once(counter: &AtomicU64) {
                add(counter);
            }
            #[unsafe(export_name = $add_twice)]
            #[cfg_attr(helper, unsafe(link_section = ".text.alt_patcher.bench"))]
            extern "C" fn twice(counter: &AtomicU64) {
                add(counter);
                add(counter);
            }
            #[unsafe(export_name = $lock)]
            #[cfg_attr(helper, unsafe(link_section = ".text.alt_patcher.bench"))]
            extern "C" fn lock_once(lock: &AtomicU32) {
                lock_unlock(lock);
            }
            #[unsafe(export_name = $lock_twice)]
            #[cfg_attr(helper, unsafe(link_section = ".text.alt_patcher.bench"))]
            extern "C" fn lock_twice(lock: &AtomicU32) {
                lock_unlock(lock);
                lock_unlock(lock);
            }
        };
    };
}

export!(llsc, "llsc_add", "llsc_add_twice", "llsc_lock", "llsc_lock_twice");
export!(outline, "outline_add", "outline_add_twice", "outline_lock", "outline_lock_twice");
// Calls that stay: alt-ld makes no sites in a section of this name.
export!(helper, "helper_add", "helper_add_twice", "helper_lock", "helper_lock_twice");
export!(call, "call_add", "call_add_twice", "call_lock", "call_lock_twice");
export!(lse, "lse_add", "lse_add_twice", "lse_lock", "lse_lock_twice");
