//! Checks of the mitigations.

use core::arch::asm;
use core::sync::atomic::Ordering;

use alt_runtime::cap::IdRegs;
use defmt::info;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::{CLRBHB, SPECTRE_BHB, SSBS};
use crate::features::mitigations::{
    HISTORY_LOOPS, enter_kernel, forbid_store_bypass, history_branches, read_element,
    return_to_user, translate,
};

#[distributed_slice(CHECKS)]
static BARRIER: Check = Check {
    name: "barrier",
    run: barrier,
};

fn barrier(_: &Context<'_>) -> Result<(), Mismatch> {
    let table = [3, 1, 4, 1, 5];
    for index in 0..7 {
        let model = if index < 5 { table[index] } else { u64::MAX };
        equal(
            "the element",
            read_element(&table, index).unwrap_or(u64::MAX),
            model,
        )?;
    }
    Ok(())
}

#[distributed_slice(CHECKS)]
static HARDENING: Check = Check {
    name: "hardening",
    run: hardening,
};

fn hardening(context: &Context<'_>) -> Result<(), Mismatch> {
    let before = HISTORY_LOOPS.load(Ordering::Relaxed);
    for _ in 0..5 {
        enter_kernel();
    }
    let loops = HISTORY_LOOPS.load(Ordering::Relaxed) - before;
    let expected = context.has(SPECTRE_BHB) && context.lacks(CLRBHB);
    equal("loops", loops, if expected { 5 } else { 0 })
}

#[distributed_slice(CHECKS)]
static SPECULATION: Check = Check {
    name: "speculation",
    run: speculation,
};

fn speculation(context: &Context<'_>) -> Result<(), Mismatch> {
    info!(
        "branch history: {=u16} branches",
        history_branches(&IdRegs::read())
    );
    forbid_store_bypass();
    if context.has(SSBS) {
        let ssbs: u64;
        // SAFETY: the register exists where the cpucap is present.
        unsafe { asm!("mrs {}, S3_3_C4_C2_6", out(reg) ssbs, options(nomem, nostack)) };
        equal("SSBS", ssbs, 0)?;
    }
    return_to_user();
    let address = &raw const SPECULATION as u64;
    let par = translate(address);
    // PAR_EL1.F is clear, and bits 47:12 are the address: virtual addresses are physical ones.
    equal("a translation's fault", par & 1, 0)?;
    equal(
        "a translation",
        par & 0xffff_ffff_f000,
        address & 0xffff_ffff_f000,
    )
}
