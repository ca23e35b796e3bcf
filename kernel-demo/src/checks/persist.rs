//! Making a write reach persistent memory: clean to the point of coherency, of
//! persistence, or of deep persistence, whichever the CPU knows.

use aarch64_cpu::asm::barrier;
use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::{A53_CLEAN_CACHE, DPB, DPB2};

/// Cleans the cache line that holds `word` as deep as the CPU can.
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

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "persist",
    run,
};

fn run(_: &Context<'_>) -> Result<(), Mismatch> {
    let mut log = [0; 20];
    for (i, entry) in log.iter_mut().enumerate() {
        *entry = i as u64 * 3;
        persist(entry);
    }
    for (i, entry) in log.iter().enumerate() {
        equal("an entry", *entry, i as u64 * 3)?;
    }
    Ok(())
}
