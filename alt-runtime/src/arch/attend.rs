//! How a CPU waits while another one changes text.

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
use core::arch::naked_asm;
use core::sync::atomic::AtomicU32;
#[cfg(not(all(target_arch = "aarch64", target_os = "none")))]
use core::sync::atomic::Ordering;

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
        // A handler may hold sites, and must not run while they change.
        "mrs x5, daif",
        "msr daifset, #0xf",
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
        "msr daif, x5",
        "ret",
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
