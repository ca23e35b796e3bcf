//! How a CPU waits while another one changes text.

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
use core::arch::naked_asm;
use core::sync::atomic::AtomicU32;
#[cfg(not(all(target_arch = "aarch64", target_os = "none")))]
use core::sync::atomic::Ordering;

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
use super::mask::{MASK_ALL_INTERRUPTS, NMI};

/// As long as `generation` is odd, says so in `seen` and waits. Executes an ISB
/// before it returns.
///
/// A new call may follow so soon that this CPU sees no even value in between. It has
/// to answer that one too, or the caller would take it for held while it goes on.
///
/// It lives beside the routine that writes text, for the same reasons: it holds
/// no site and calls nothing.
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
#[unsafe(naked)]
#[unsafe(link_section = ".text.alt_patcher")]
pub extern "C" fn attend(generation: &AtomicU32, seen: &AtomicU32) {
    naked_asm!(
        // A veneer of the linker comes by BR, and no compiler puts a landing pad into a naked
        // function.
        "bti c",
        // A handler may hold sites, and must not run while they change.
        "mrs x5, daif",
        "msr daifset, #0xf",
        // DAIF does not mask interrupts with superpriority (Arm ARM C5.2, ALLINT). The
        // register exists only with FEAT_NMI.
        "mov x6, #-1",             // no ALLINT to restore
        "mrs x4, S3_0_C0_C4_1",    // ID_AA64PFR1_EL1
        "tst x4, #{nmi}",
        "b.eq 2f",
        "mrs x6, S3_0_C4_C3_0",    // ALLINT
        ".inst {mask_all}",
        "2: ldar w2, [x0]",
        "tbz w2, #0, 4f",
        "stlr w2, [x1]",
        "3: yield",
        "ldar w3, [x0]",
        "cmp w3, w2",
        "b.eq 3b",
        "b 2b",
        // What has been fetched before is fetched anew (Arm ARM B2.4.4).
        "4: isb",
        "tbnz x6, #63, 5f",
        "msr S3_0_C4_C3_0, x6",
        "5: msr daif, x5",
        "ret",
        nmi = const NMI,
        mask_all = const MASK_ALL_INTERRUPTS,
    )
}

/// The same steps for the host, where threads stand for CPUs.
#[cfg(not(all(target_arch = "aarch64", target_os = "none")))]
pub fn attend(generation: &AtomicU32, seen: &AtomicU32) {
    loop {
        let called = generation.load(Ordering::Acquire);
        if called.is_multiple_of(2) {
            return;
        }
        seen.store(called, Ordering::Release);
        while generation.load(Ordering::Acquire) == called {
            core::hint::spin_loop();
        }
    }
}
