//! Mitigations that are words in the text, as docs/cpucaps-linux.md shows them.

use core::arch::asm;

use alt_runtime::alternative;
use alt_runtime::cap::{IdRegs, MidrRange, Revision, idregs::Register};
use defmt::info;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal};
use crate::cpucaps::{A77_1508412, SB, SPECULATIVE_SSBS, SPECULATIVE_UNPRIV_LOAD, SSBS};

/// Forbids this CPU to let loads bypass older stores. `msr ssbs, #0` and `sb` are given as words,
/// for assemblers that do not know them.
fn forbid_store_bypass() {
    // SAFETY: PSTATE.SSBS exists where the cap is, and changes no result.
    unsafe {
        alternative!(
            "nop",
            "nop",
            "nop",
            SSBS & SPECULATIVE_SSBS & SB => ".inst 0xd503403f", ".inst 0xd50330ff",
            SSBS & SPECULATIVE_SSBS => ".inst 0xd503403f", "dsb nsh", "isb",
            SSBS => ".inst 0xd503403f",
            options(nostack, preserves_flags),
        );
    }
}

/// The last instructions in front of ERET to user space.
fn return_to_user() {
    // SAFETY: barriers.
    unsafe {
        alternative!(
            "nop",
            "nop",
            SPECULATIVE_UNPRIV_LOAD & SB => ".inst 0xd50330ff",
            SPECULATIVE_UNPRIV_LOAD => "dsb nsh", "isb",
            options(nostack, preserves_flags),
        );
    }
}

/// What this CPU's tables make of an address: PAR_EL1.
fn translate(address: u64) -> u64 {
    let par;
    // SAFETY: AT writes PAR_EL1 alone, which nothing else in this kernel uses.
    unsafe {
        alternative!(
            "at s1e1r, {address}",
            "isb",
            "nop",
            "mrs {par}, par_el1",
            "nop",
            A77_1508412 => "at s1e1r, {address}", "isb", "dmb sy", "mrs {par}, par_el1", "dmb sy",
            address = in(reg) address,
            par = out(reg) par,
            options(nostack, preserves_flags),
        );
    }
    par
}

/// The branches that clear the branch history of a CPU: of a system, the most of any.
fn history_branches(ids: &IdRegs) -> u16 {
    const fn arm(part: u16) -> MidrRange {
        MidrRange {
            implementer: 0x41,
            part,
            from: Revision::new(0, 0),
            to: Revision::new(15, 15),
            fixed: None,
        }
    }
    const BRANCHES: &[(u16, &[MidrRange])] = &[
        // Cortex-X3, Neoverse V2.
        (132, &[arm(0xd4e), arm(0xd4f)]),
        // Cortex-A715, A720, A720AE.
        (38, &[arm(0xd4d), arm(0xd81), arm(0xd89)]),
        // Cortex-A78, A78AE, A78C, X1, X1C, A710, X2; Neoverse N2, V1.
        (
            32,
            &[
                arm(0xd41),
                arm(0xd42),
                arm(0xd4b),
                arm(0xd44),
                arm(0xd4c),
                arm(0xd47),
            ],
        ),
        (32, &[arm(0xd48), arm(0xd49), arm(0xd40)]),
        // Cortex-A76, A76AE, A77; Neoverse N1.
        (24, &[arm(0xd0b), arm(0xd0e), arm(0xd0d), arm(0xd0c)]),
        // Cortex-A57, A72.
        (8, &[arm(0xd07), arm(0xd08)]),
    ];
    let midr = ids.get(Register::MIDR_EL1);
    let is_it = |(_, models): &&(u16, &[MidrRange])| models.iter().any(|model| model.covers(midr));
    BRANCHES.iter().find(is_it).map_or(0, |(count, _)| *count)
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "speculation",
    run,
};

fn run(context: &Context<'_>) -> Result<(), Mismatch> {
    info!(
        "branch history: {=u16} branches",
        history_branches(&IdRegs::read())
    );
    forbid_store_bypass();
    if context.has(SSBS) {
        let ssbs: u64;
        // SAFETY: the register exists where the cap is.
        unsafe { asm!("mrs {}, S3_3_C4_C2_6", out(reg) ssbs, options(nomem, nostack)) };
        equal("SSBS", ssbs, 0)?;
    }
    return_to_user();
    let address = &raw const CHECK as u64;
    let par = translate(address);
    // PAR_EL1.F is clear, and bits [47:12] are the address: the kernel is mapped at its place.
    equal("a translation's fault", par & 1, 0)?;
    equal(
        "a translation",
        par & 0xffff_ffff_f000,
        address & 0xffff_ffff_f000,
    )
}
