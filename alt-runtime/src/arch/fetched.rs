//! What a CPU has fetched before its MMU was on.

use core::arch::asm;

/// Invalidates this CPU's own instruction cache, and what it has fetched ahead.
///
/// A CPU that comes up after a pass does this when its MMU is on and before it comes to a site:
/// with the MMU off it fetches what is at the point of coherency, which a pass does not clean to,
/// and may keep it (Arm ARM D7.5.7).
pub fn forget_fetched() {
    // SAFETY: what is invalidated can be fetched again.
    unsafe {
        asm!(
            "ic iallu",
            "dsb nsh",
            "isb",
            options(nostack, preserves_flags)
        )
    };
}
