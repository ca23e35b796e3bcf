//! Checks of sites that callbacks fill, and a callback that fails on demand.

use core::sync::atomic::{AtomicBool, Ordering};

use alt_runtime::{CallbackError, Insn, Site, alternative_cb, callback};
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::ALWAYS_SYSTEM;
use crate::features::runtime_const::{self, Values, image_offset, overwrite_history, psci_version};
use crate::hyp::{callbacks, layout};
use crate::platform::device_tree;

const HISTORY_LOOPS: u16 = 24;
const IMAGE_OFFSET: u64 = 0xffff_8000_1234_0000 - 0x4020_0000;

static MITIGATE: AtomicBool = AtomicBool::new(false);
// Faults by which the pass must be refused.
static FAIL: AtomicBool = AtomicBool::new(false);
static UNKNOWN_WORD: AtomicBool = AtomicBool::new(false);
static UNENCODABLE: AtomicBool = AtomicBool::new(false);

/// Sets the values that the callbacks use, and the fault that the command line asks for. To be
/// called once, before the pass.
pub fn prepare() {
    runtime_const::set(Values {
        psci_uses_smc: device_tree::psci_uses_smc(),
        history_loops: HISTORY_LOOPS,
        image_offset: IMAGE_OFFSET,
    });
    MITIGATE.store(true, Ordering::Relaxed);
    for (fault, word) in [
        (&FAIL, "demo.callback=fails"),
        (&UNKNOWN_WORD, "demo.callback=unknown-word"),
        (&UNENCODABLE, "demo.callback=unencodable"),
    ] {
        fault.store(device_tree::has_word(word), Ordering::Relaxed);
    }
}

callback! {
    /// One B over a mitigation becomes a NOP if the mitigation is needed.
    static SKIP = skip;
}

fn skip(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    if FAIL.load(Ordering::Relaxed) {
        return Err(CallbackError::Failed("as the command line asks"));
    }
    if UNENCODABLE.load(Ordering::Relaxed) {
        words.fill(Insn::movz(0, 1, 8)?);
    }
    if UNKNOWN_WORD.load(Ordering::Relaxed) {
        // Unallocated, in the encoding space of the PC-relative branches.
        words.fill(Insn(0x5600_0000));
        return Ok(());
    }
    if MITIGATE.load(Ordering::Relaxed) {
        words.fill(Insn::NOP);
    }
    Ok(())
}

/// Whether the mitigation was executed.
fn mitigated() -> bool {
    // SAFETY: the instruction branches to the label, or does nothing.
    unsafe {
        alternative_cb!(
            "b {skip}",
            ALWAYS_SYSTEM => SKIP,
            skip = label { return false },
            options(nomem, nostack, preserves_flags),
        );
    }
    true
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "callbacks",
    run,
};

fn run(context: &Context<'_>) -> Result<(), Mismatch> {
    let patched = context.has(ALWAYS_SYSTEM);
    // QEMU implements PSCI 1.1 since 7.2, and 1.0 before.
    equal(
        "PSCI 1.x answers",
        psci_version() >> 16,
        if patched { 1 } else { 0x8400 },
    )?;
    let loops = if patched { HISTORY_LOOPS.into() } else { 8 };
    equal("loops", overwrite_history(), loops)?;
    for kernel in [0, 0x4020_1234, 0xffff_8000_0840_5678, u64::MAX] {
        let model = if patched {
            layout::to_hyp(kernel)
        } else {
            kernel & 1
        };
        equal(
            "the hypervisor's address",
            callbacks::kernel_to_hyp(kernel),
            model,
        )?;
    }
    equal(
        "the image's offset",
        image_offset(),
        if patched { IMAGE_OFFSET } else { 0 },
    )?;
    equal("the mitigation runs", mitigated().into(), patched.into())
}
