//! Reading the time: the counter behind an ISB, or the self-synchronised view of
//! it that ECV adds.

use core::arch::asm;

use aarch64_cpu::registers::{CNTFRQ_EL0, Readable};
use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::ECV;

/// The virtual counter, not earlier than anything before it in the program.
#[inline]
pub fn now() -> u64 {
    let ticks;
    // SAFETY: reading the counter has no effect.
    unsafe {
        alternative!(
            "isb",
            "mrs {ticks}, cntvct_el0",
            // CNTVCTSS_EL0
            ECV => "mrs {ticks}, S3_3_C14_C0_6",
            ticks = out(reg) ticks,
            options(nomem, nostack, preserves_flags),
        );
    }
    ticks
}

/// Ticks of the counter in a second.
pub fn frequency() -> u64 {
    CNTFRQ_EL0.get()
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check { name: "timer", run };

fn run(_: &Context<'_>) -> Result<(), Mismatch> {
    // The plain counter, read before and after.
    let plain = || {
        let ticks: u64;
        // SAFETY: reading the counter has no effect.
        unsafe {
            asm!("isb", "mrs {}, cntvct_el0", "isb", out(reg) ticks, options(nostack));
        }
        ticks
    };
    for _ in 0..100 {
        let (before, ticks, after) = (plain(), now(), plain());
        equal(
            "time runs backwards",
            (ticks < before || ticks > after).into(),
            0,
        )?;
    }
    Ok(())
}
