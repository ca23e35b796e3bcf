//! Masking interrupts: by PSTATE.I, or by priority, which lets urgent interrupts
//! through ("pseudo-NMI").
//!
//! A half-patched kernel would be fatal here: what one way saves means nothing to
//! the other. The cpucap is of boot scope, and both sites change in one step,
//! while no section is open.

use alt_runtime::alternative;

use crate::cpucaps::PSEUDO_NMI;

/// ICC_PMR_EL1: every priority passes.
pub const ALL: u8 = 0xf0;
/// ICC_PMR_EL1: only priorities below this value, the urgent ones, pass.
const URGENT_ONLY: u8 = 0x60;

/// What was masked before. It means something only to [`restore`].
#[must_use]
pub struct Saved(u64);

/// Masks interrupts on this CPU.
#[inline]
pub fn save() -> Saved {
    let saved;
    // SAFETY: both variants mask ordinary interrupts and touch nothing else.
    unsafe {
        alternative!(
            "mrs {saved}, daif",
            "msr daifset, #2",
            // ICC_PMR_EL1; the write takes effect in program order.
            PSEUDO_NMI => "mrs {saved}, S3_0_C4_C6_0", "msr S3_0_C4_C6_0, {urgent}",
            saved = out(reg) saved,
            urgent = in(reg) u64::from(URGENT_ONLY),
            options(nostack, preserves_flags),
        );
    }
    Saved(saved)
}

/// Puts back what [`save`] found.
#[inline]
pub fn restore(saved: Saved) {
    // SAFETY: the value is what the same variant of `save` has read; the pass
    // changes both while no section is open.
    unsafe {
        alternative!(
            "msr daif, {saved}",
            "nop",
            // The barrier makes the controller see it (Arm IHI 0069, 4.8.6).
            PSEUDO_NMI => "msr S3_0_C4_C6_0, {saved}", "dsb sy",
            saved = in(reg) saved.0,
            options(nostack, preserves_flags),
        );
    }
}
