//! Waiting for a moment: WFE, woken by the timer's event stream, or WFET, which
//! wakes by itself.

use aarch64_cpu::registers::{CNTKCTL_EL1, Writeable};
use alt_runtime::alternative;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal, timer};
use crate::cpucaps::WFXT;

/// An event each 2^(10 + 1) ticks wakes a WFE (Arm ARM D24.10.16: EVNTI, EVNTEN).
const EVENT_STREAM: u64 = 10 << 4 | 1 << 2;

/// Waits until the counter has reached `deadline`, and returns what it is then.
pub fn until(deadline: u64) -> u64 {
    CNTKCTL_EL1.set(EVENT_STREAM);
    loop {
        let now = timer::now();
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

#[distributed_slice(CHECKS)]
static CHECK: Check = Check { name: "wait", run };

fn run(_: &Context<'_>) -> Result<(), Mismatch> {
    for microseconds in [0, 1, 50] {
        let begin = timer::now();
        let deadline = begin + microseconds * timer::frequency() / 1_000_000;
        equal("woken too early", (until(deadline) < deadline).into(), 0)?;
    }
    Ok(())
}
