//! Time: the virtual counter, and waiting for it to reach a value.

use aarch64_cpu::registers::{CNTFRQ_EL0, CNTKCTL_EL1, Readable, Writeable};
use alt_runtime::alternative;

use crate::cpucaps::{ECV, WFXT};

/// Reads the virtual counter, ordered after all earlier instructions: by an ISB, or by the self-synchronised view
/// that FEAT_ECV adds.
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

/// Ticks of the counter per second.
pub fn frequency() -> u64 {
    CNTFRQ_EL0.get()
}

/// An event every 2^(10 + 1) ticks wakes a WFE (Arm ARM D24.10.16: EVNTI, EVNTEN).
const EVENT_STREAM: u64 = 10 << 4 | 1 << 2;

/// Waits until the counter has reached `deadline` and returns its value then: by WFE, which the
/// event stream wakes, or by WFET, which has a timeout of its own.
pub fn wait_until(deadline: u64) -> u64 {
    CNTKCTL_EL1.set(EVENT_STREAM);
    loop {
        let now = now();
        if now >= deadline {
            return now;
        }
        // SAFETY: waiting has no effect; both variants may end early.
        unsafe {
            alternative!(
                "wfe",
                WFXT => ".arch_extension wfxt", "wfet {deadline}",
                deadline = in(reg) deadline,
                options(nomem, nostack, preserves_flags),
            );
        }
    }
}
