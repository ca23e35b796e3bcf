//! How a CPU waits while another one changes text.

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
use core::arch::naked_asm;
use core::sync::atomic::AtomicU32;
#[cfg(not(all(target_arch = "aarch64", target_os = "none")))]
use core::sync::atomic::Ordering;

/// If `generation` is odd, says so in `seen` and waits until it is not; then
/// says that too. Executes an ISB before it returns.
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
        "ldar w2, [x0]",
        "mov w3, w2",
        "tbz w2, #0, 3f",
        "stlr w2, [x1]",
        "2: yield",
        "ldar w3, [x0]",
        "cmp w3, w2",
        "b.eq 2b",
        // What has been fetched before is fetched anew (Arm ARM B2.4.4).
        "3: isb",
        "stlr w3, [x1]",
        "msr daif, x5",
        "ret",
    )
}

/// The same steps for the host, where threads stand for CPUs.
#[cfg(not(all(target_arch = "aarch64", target_os = "none")))]
pub fn attend(generation: &AtomicU32, seen: &AtomicU32) {
    let called = generation.load(Ordering::Acquire);
    let mut now = called;
    if called % 2 == 1 {
        seen.store(called, Ordering::Release);
        while now == called {
            core::hint::spin_loop();
            now = generation.load(Ordering::Acquire);
        }
    }
    seen.store(now, Ordering::Release);
}
