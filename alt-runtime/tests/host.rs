//! Sites in a program for a host, as when a kernel's crate is tested there.

#![deny(warnings)]

use std::sync::atomic::{AtomicU64, Ordering};

use alt_runtime::{CallbackError, Insn, Site, alternative, alternative_cb, callback, cpu_has_cap};

mod cpucaps {
    alt_runtime::cpucaps!("../cpucaps.toml");
}
use cpucaps::{ALWAYS_SYSTEM, LSE, VHE};

/// Adds, and answers what was there: one function for kernel and host.
fn fetch_add(counter: &AtomicU64, n: u64) -> u64 {
    let old;
    // SAFETY: each variant adds `n` in one atomic step.
    unsafe {
        alternative!(
            "2: ldxr {old}, [{counter}]",
            "   add  {new}, {old}, {n}",
            "   stxr {failed:w}, {new}, [{counter}]",
            "   cbnz {failed:w}, 2b",
            LSE => ".arch_extension lse", "ldadd {n}, {old}, [{counter}]",
            host => { old = counter.fetch_add(n, Ordering::Relaxed) },
            counter = in(reg) counter.as_ptr(),
            n = in(reg) n,
            old = out(reg) old,
            new = out(reg) _,
            failed = out(reg) _,
            options(nostack),
        );
    }
    old
}

#[test]
fn a_block_stands_for_the_site() {
    let counter = AtomicU64::new(40);
    assert_eq!(fetch_add(&counter, 2), 40);
    assert_eq!(counter.into_inner(), 42);
}

#[test]
fn no_cpucap_is_present() {
    assert!(!cpu_has_cap!(likely LSE));
    assert!(!cpu_has_cap!(unlikely LSE & !VHE | ALWAYS_SYSTEM));
    assert!(!cpu_has_cap!(likely !LSE));
}

fn mask(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words.fill(Insn::NOP);
    Ok(())
}

callback! {
    /// The mask of the hypervisor's addresses.
    static MASK = mask;
}

fn masked(address: u64) -> u64 {
    let masked;
    // SAFETY: computes on a register.
    unsafe {
        alternative_cb!(
            "and {p}, {p}, #1",
            VHE => nops,
            ALWAYS_SYSTEM => MASK,
            host => { masked = address & 1 },
            p = inout(reg) address => masked,
            options(nomem, nostack, preserves_flags),
        );
    }
    masked
}

#[test]
fn a_block_stands_for_what_a_callback_computes() {
    assert_eq!(masked(5), 1);
}

/// A block that does not come back.
fn leave(code: u64) -> ! {
    // SAFETY: does not come back.
    unsafe {
        alternative!(
            "hvc #0",
            "b .",
            VHE => "smc #0", "b .",
            host => { panic!("left with {code}") },
            in("x0") code,
            options(noreturn),
        )
    }
}

#[test]
#[should_panic(expected = "left with 7")]
fn a_block_may_diverge() {
    leave(7);
}
