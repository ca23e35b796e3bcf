//! An operation: adding to a counter, and taking and releasing a spinlock.
//!
//! The cost of an operation is the cost of a second one in the same function, so that neither the
//! call nor registers that the compiler saves are counted.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use alt_runtime::{alternative, cpu_has_cap};

use crate::checks::cpucaps::LSE;
use crate::counter::{Counted, count};
use flat_guest::print;

/// The compiler's atomics, from peers/atomics.rs.
macro_rules! peers {
    ($($add:ident $add_twice:ident $lock:ident $lock_twice:ident;)+) => {
        unsafe extern "C" {
            $(
                safe fn $add(counter: &mut AtomicU64);
                safe fn $add_twice(counter: &mut AtomicU64);
                safe fn $lock(lock: &mut AtomicU32);
                safe fn $lock_twice(lock: &mut AtomicU32);
            )+
        }
    };
}

peers! {
    llsc_add llsc_add_twice llsc_lock llsc_lock_twice;
    outline_add outline_add_twice outline_lock outline_lock_twice;
    helper_add helper_add_twice helper_lock helper_lock_twice;
    call_add call_add_twice call_lock call_lock_twice;
    lse_add lse_add_twice lse_lock lse_lock_twice;
}

unsafe extern "C" {
    /// The variable that the helpers of outline atomics read; without an operating system, nothing
    /// sets it.
    #[link_name = "__toolch__have_lse_atomics"]
    static __aarch64_have_lse_atomics: Flag;
}

#[repr(transparent)]
struct Flag(UnsafeCell<u8>);

// SAFETY: there is one CPU.
unsafe impl Sync for Flag {}

/// Adds in a loop, or at once: one site of four instructions.
#[inline(always)]
fn add(counter: &AtomicU64) {
    // SAFETY: both variants are one atomic addition.
    unsafe {
        alternative!(
            "2: ldxr {new}, [{counter}]",
            "   add  {new}, {new}, {n}",
            "   stxr {failed:w}, {new}, [{counter}]",
            "   cbnz {failed:w}, 2b",
            LSE => ".arch_extension lse", "stadd {n}, [{counter}]",
            counter = in(reg) counter.as_ptr(),
            n = in(reg) 1u64,
            new = out(reg) _,
            failed = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
}

/// The same by a branch on the cpucap, as in Linux.
#[inline(always)]
fn branch_add(counter: &AtomicU64) {
    if cpu_has_cap!(likely LSE) {
        // SAFETY: one atomic addition.
        unsafe {
            core::arch::asm!(
                ".arch_extension lse",
                "stadd {n}, [{counter}]",
                counter = in(reg) counter.as_ptr(),
                n = in(reg) 1u64,
                options(nostack, preserves_flags),
            );
        }
    } else {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[inline(always)]
fn lock_unlock(lock: &AtomicU32) {
    // SAFETY: both variants exchange until the old value is 0, with acquire order.
    unsafe {
        alternative!(
            "2: ldaxr {old:w}, [{lock}]",
            "   stxr  {failed:w}, {one:w}, [{lock}]",
            "   cbnz  {failed:w}, 2b",
            "   cbnz  {old:w}, 2b",
            LSE => ".arch_extension lse",
            "2: swpa {one:w}, {old:w}, [{lock}]",
            "   cbnz {old:w}, 2b",
            lock = in(reg) lock.as_ptr(),
            one = in(reg) 1u32,
            old = out(reg) _,
            failed = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
    lock.store(0, Ordering::Release);
}

#[inline(always)]
fn branch_lock_unlock(lock: &AtomicU32) {
    if cpu_has_cap!(likely LSE) {
        // SAFETY: exchanges until the old value is 0, with acquire order.
        unsafe {
            core::arch::asm!(
                ".arch_extension lse",
                "2: swpa {one:w}, {old:w}, [{lock}]",
                "cbnz {old:w}, 2b",
                lock = in(reg) lock.as_ptr(),
                one = in(reg) 1u32,
                old = out(reg) _,
                options(nostack, preserves_flags),
            );
        }
    } else {
        while lock.swap(1, Ordering::Acquire) != 0 {}
    }
    lock.store(0, Ordering::Release);
}

/// A function that does an operation once, and one that does it twice.
macro_rules! once_and_twice {
    ($once:ident, $twice:ident, $value:ty, $operation:ident) => {
        extern "C" fn $once(value: &mut $value) {
            $operation(value);
        }
        extern "C" fn $twice(value: &mut $value) {
            $operation(value);
            $operation(value);
        }
    };
}

once_and_twice!(add_once, add_twice, AtomicU64, add);
once_and_twice!(branch_add_once, branch_add_twice, AtomicU64, branch_add);
once_and_twice!(lock_once, lock_twice, AtomicU32, lock_unlock);
once_and_twice!(
    branch_lock_once,
    branch_lock_twice,
    AtomicU32,
    branch_lock_unlock
);

/// Counts all operations after patching, by the kind of the CPU.
pub fn run(has_lse: bool) {
    let cpu = if has_lse { "LSE" } else { "no LSE" };
    // SAFETY: one CPU.
    unsafe { __aarch64_have_lse_atomics.0.get().write(has_lse.into()) };
    ours(cpu);
    peers(cpu);
    if has_lse {
        adds("compiled for LSE only", cpu, lse_add, lse_add_twice);
        locks("compiled for LSE only", cpu, lse_lock, lse_lock_twice);
    }
}

fn ours(cpu: &str) {
    adds("alternative!", cpu, add_once, add_twice);
    adds("cpu_has_cap!", cpu, branch_add_once, branch_add_twice);
    locks("alternative!", cpu, lock_once, lock_twice);
    locks("cpu_has_cap!", cpu, branch_lock_once, branch_lock_twice);
}

fn peers(cpu: &str) {
    adds("plain LL/SC", cpu, llsc_add, llsc_add_twice);
    adds("outline atomics", cpu, outline_add, outline_add_twice);
    adds("helper is a site", cpu, helper_add, helper_add_twice);
    adds("call is a site", cpu, call_add, call_add_twice);
    locks("plain LL/SC", cpu, llsc_lock, llsc_lock_twice);
    locks("outline atomics", cpu, outline_lock, outline_lock_twice);
    locks("helper is a site", cpu, helper_lock, helper_lock_twice);
    locks("call is a site", cpu, call_lock, call_lock_twice);
}

fn adds(name: &str, cpu: &str, once: Counted<AtomicU64>, twice: Counted<AtomicU64>) {
    let mut counter = AtomicU64::new(0);
    let instructions = count(twice, &mut counter) - count(once, &mut counter);
    assert_eq!(counter.into_inner(), 3, "{name} does not add");
    print(format_args!(
        "operation counter: {name} | {cpu} {instructions}"
    ));
}

fn locks(name: &str, cpu: &str, once: Counted<AtomicU32>, twice: Counted<AtomicU32>) {
    let mut lock = AtomicU32::new(0);
    let instructions = count(twice, &mut lock) - count(once, &mut lock);
    assert_eq!(lock.into_inner(), 0, "{name} does not unlock");
    print(format_args!(
        "operation spinlock: {name} | {cpu} {instructions}"
    ));
}
