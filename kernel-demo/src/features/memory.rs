//! Copies of memory, and cache maintenance for persistent memory.

use aarch64_cpu::asm::barrier;
use alt_runtime::alternative;

use crate::cpucaps::{A53_CLEAN_CACHE, DPB, DPB2, MOPS};

/// Copies the start of `from` to the start of `to`, as many bytes as both have: by a loop over bytes,
/// or by the three instructions of FEAT_MOPS.
pub fn copy(to: &mut [u8], from: &[u8]) {
    // SAFETY: both variants copy `len` bytes, which both slices have.
    unsafe {
        alternative!(
            "   cbz  {len}, 3f",
            "2: ldrb {byte:w}, [{from}], #1",
            "   strb {byte:w}, [{to}], #1",
            "   subs {len}, {len}, #1",
            "   b.ne 2b",
            "3:",
            MOPS =>
                ".arch_extension mops",
                "cpyfp [{to}]!, [{from}]!, {len}!",
                "cpyfm [{to}]!, [{from}]!, {len}!",
                "cpyfe [{to}]!, [{from}]!, {len}!",
            to = inout(reg) to.as_mut_ptr() => _,
            from = inout(reg) from.as_ptr() => _,
            len = inout(reg) to.len().min(from.len()) => _,
            byte = out(reg) _,
            options(nostack),
        );
    }
}

/// Makes a write to `word` persistent: cleans its cache line to the point of coherency, of
/// persistence, or of deep persistence, whichever of them the CPU has.
#[inline(never)]
pub fn persist(word: &u64) {
    // SAFETY: cleaning a line changes no value.
    unsafe {
        alternative!(
            "dc cvac, {word}",
            DPB2 => ".arch_extension ccdp", "dc cvadp, {word}",
            DPB => ".arch_extension ccpp", "dc cvap, {word}",
            // Errata 819472, 824069, 826319 and 827319.
            A53_CLEAN_CACHE => "dc civac, {word}",
            word = in(reg) &raw const *word,
            options(nostack, preserves_flags),
        );
    }
    barrier::dsb(barrier::SY);
}
