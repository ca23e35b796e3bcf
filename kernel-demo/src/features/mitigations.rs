//! Mitigations of speculation, and workarounds of errata. docs/cpucaps-linux.md explains them.

use core::sync::atomic::{AtomicU64, Ordering};

use alt_runtime::alternative;
use alt_runtime::cap::idregs::Register;
use alt_runtime::cap::{IdRegs, MidrRange, Revision};

use crate::cpucaps::{
    A77_1508412, CLRBHB, SB, SPECTRE_BHB, SPECULATIVE_SSBS, SPECULATIVE_UNPRIV_LOAD, SSBS,
};

/// Stops speculation of the code that follows until the conditions before it are resolved.
#[inline]
pub fn speculation_barrier() {
    // SAFETY: barriers only order other instructions.
    unsafe {
        alternative!(
            "dsb nsh",
            "isb",
            SB => ".arch_extension sb", "sb",
            options(nostack, preserves_flags),
        );
    }
}

/// The element at an index that a user has chosen.
pub fn read_element(table: &[u64], index: usize) -> Option<u64> {
    if index < table.len() {
        speculation_barrier();
    }
    table.get(index).copied()
}

/// Forbids speculative store bypass on this CPU. `msr ssbs, #0` and `sb` are written as words for
/// assemblers that do not know them.
pub fn forbid_store_bypass() {
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

/// The last instructions before ERET to user space.
pub fn return_to_user() {
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

/// Translates an address with the tables of this CPU, for a read at EL1; returns PAR_EL1.
pub fn translate(address: u64) -> u64 {
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

/// Number of runs of the loop, for the checks.
pub static HISTORY_LOOPS: AtomicU64 = AtomicU64::new(0);

/// A placeholder for the loop of branches, whose length depends on the CPU model.
extern "C" fn clear_history() {
    HISTORY_LOOPS.fetch_add(1, Ordering::Relaxed);
}

/// Entry from user space: a CPU whose branch predictors user space can train clears its branch
/// history, by an instruction or by a loop of branches. CLRBHB is a hint, so it can be written as a
/// number for assemblers that do not know it.
pub fn enter_kernel() {
    // SAFETY: the function follows the C ABI, whose registers are clobbered.
    unsafe {
        alternative!(
            "nop",
            SPECTRE_BHB & CLRBHB => "hint #22",
            SPECTRE_BHB & !CLRBHB => "bl {clear}",
            clear = sym clear_history,
            clobber_abi("C"),
        );
    }
}

/// Number of branches that clear the branch history of a CPU. A system uses the largest number of any
/// of its CPUs.
pub fn history_branches(ids: &IdRegs) -> u16 {
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
