//! Makes text that was written before visible to instruction fetch.

use core::arch::asm;
use core::ops::Range;

use super::Maintenance;

impl Maintenance {
    /// Makes all that has been written to `text` visible to instruction fetch, on
    /// all CPUs, whichever mapping it was written through: to be done with what a
    /// loader has copied, before it becomes executable.
    ///
    /// The order of the steps is that of Arm ARM B2.4.4.
    ///
    /// # Safety
    /// `text` must be mapped readable, and no CPU execute it meanwhile. The caller
    /// stays on one CPU during the call: a DSB waits for the maintenance of its own
    /// CPU only.
    pub unsafe fn sync(&self, text: Range<u64>) {
        if !self.no_clean {
            for line in lines(&text, self.data_line) {
                // SAFETY: cleaning a line that is mapped changes no memory.
                unsafe {
                    if self.clean_to_coherency {
                        asm!("dc civac, {}", in(reg) line, options(nostack, preserves_flags));
                    } else {
                        asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags));
                    }
                }
            }
        }
        // SAFETY: barriers, and invalidation of what can be fetched again.
        unsafe {
            asm!("dsb ish", options(nostack, preserves_flags));
            if !self.no_invalidate {
                if self.invalidate_all {
                    asm!("ic ialluis", options(nostack, preserves_flags));
                } else {
                    for line in lines(&text, self.instruction_line) {
                        asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags));
                    }
                }
                asm!("dsb ish", options(nostack, preserves_flags));
            }
            asm!("isb", options(nostack, preserves_flags));
        }
    }
}

/// The addresses of the lines, of a power of two of bytes, that hold `text`.
fn lines(text: &Range<u64>, size: u32) -> impl Iterator<Item = u64> + use<> {
    // A line has at least one word, whatever the fields say.
    let size = size.max(4);
    let first = text.start & !(u64::from(size) - 1);
    (first..text.end).step_by(size as usize)
}

/// Invalidates the instruction cache of this CPU and discards the instructions fetched ahead.
///
/// A CPU that comes up after a pass calls this when its MMU is on and before it comes to a site. With
/// the MMU off it fetches from the point of coherency, to which a pass need not clean, and may keep
/// stale instructions (Arm ARM D7.5.7).
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
