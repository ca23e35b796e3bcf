//! The first instructions of each CPU: from EL2 to EL1 if it was entered at EL2, then the MMU on.
//!
//! aarch64-rt calls `enable_mmu` before anything else, on the boot CPU and on each CPU that PSCI
//! starts, so there is one place for both. A CPU that was entered at EL2 leaves stub vectors there
//! (`hyp::stub`) and stores 2 in TPIDR_EL1; the others store 0.

use core::arch::naked_asm;

use aarch64_rt::{DEFAULT_MAIR, DEFAULT_SCTLR, DEFAULT_TCR};

use super::memory::INITIAL_TABLE;

/// EL1 is AArch64 (RW); pointer authentication (APK, API) and allocation tags (ATA) are not trapped.
/// All other bits are 0: no stage 2, E2H and TGE off.
const HCR_EL2: u64 = bits([31, 40, 41, 56]);
/// MSCEn: without it, memory copy instructions are undefined at EL1.
const HCRX_EL2: u64 = bits([11]);
/// With E2H off: the RES1 bits, and the traps of SVE (TZ) and SME (TSM), which this kernel does not
/// use; they are RES1 without these extensions. FP is not trapped (TFP is 0).
const CPTR_EL2: u64 = bits([0, 1, 2, 3, 4, 5, 6, 7, 9, 13]) | bits([8, 12]);
/// With E2H off: EL1 reads the physical counter and sets the physical timer (EL1PCTEN, EL1PCEN).
const CNTHCTL_EL2: u64 = bits([0, 1]);
/// EL1 may use the system registers of the interrupt controller (SRE, Enable).
const ICC_SRE_EL2: u64 = bits([0, 3]);
/// The bits that are RES1 in Armv8.0; later CPUs behave like Armv8.0 with them (EOS, TSCXT, EIS,
/// SPAN, nTLSMD, LSMAOE). MMU and caches off, little endian.
const SCTLR_EL1: u64 = bits([11, 20, 22, 23, 28, 29]);
/// EL1 with its own stack pointer (M is 0b0101), F, I, A and D masked.
const SPSR_EL2: u64 = 0b0101 | bits([6, 7, 8, 9]);
/// TCR_EL1.IPS for 48 bits, the maximum for pages of 4 KiB. Larger values of
/// ID_AA64MMFR0_EL1.PARange apply to other granules and to FEAT_LPA2 only.
const IPS_48_BITS: u64 = 0b101;

/// The value with these bits set, by their numbers (Arm ARM D24.2).
const fn bits<const N: usize>(numbers: [u32; N]) -> u64 {
    let mut value = 0;
    let mut index = 0;
    while index < N {
        value |= 1 << numbers[index];
        index += 1;
    }
    value
}

/// Leaves EL2 if the CPU is there, and turns the MMU on with the initial table.
///
/// Most registers of EL2 are unknown after reset, so each one that affects EL1 is set, except those
/// that reset to values without effect (HFG*, if EL2 is the highest level). CPUs whose HCR_EL2.E2H
/// cannot be 0 (ID_AA64MMFR4_EL1.E2H0) are not supported.
///
/// # Safety
/// For aarch64-rt's entry points only, which call it by BL, without a stack. Clobbers x8 to x11 and
/// the flags; preserves x0 to x7, the arguments of the boot protocol.
#[unsafe(naked)]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".init")]
unsafe extern "C" fn enable_mmu() {
    naked_asm!(
        ".macro set register, value",
        "movz x8, #((\\value) & 0xffff)",
        "movk x8, #((\\value) >> 16 & 0xffff), lsl #16",
        "movk x8, #((\\value) >> 32 & 0xffff), lsl #32",
        "movk x8, #((\\value) >> 48 & 0xffff), lsl #48",
        "msr \\register, x8",
        ".endm",
        // CurrentEL.EL is in bits 3:2.
        "mrs x8, CurrentEL",
        "cmp x8, #(2 << 2)",
        "msr tpidr_el1, xzr",
        "b.ne 4f",

        "set hcr_el2, {HCR_EL2}",
        // Firmware may have left E2H on, which changes the form and the names of registers.
        "isb",
        // HCRX_EL2 exists with FEAT_HCX: ID_AA64MMFR1_EL1.HCX, bits 43:40.
        "mrs x8, id_aa64mmfr1_el1",
        "ubfx x8, x8, #40, #4",
        "cbz x8, 2f",
        "set s3_4_c1_c2_2, {HCRX_EL2}",
        "2:",
        "set cptr_el2, {CPTR_EL2}",
        "msr hstr_el2, xzr",
        // Keeps HPMN, which is reset to all counters for EL1, and clears the traps.
        "mrs x8, mdcr_el2",
        "and x8, x8, #0x1f",
        "msr mdcr_el2, x8",
        "set cnthctl_el2, {CNTHCTL_EL2}",
        "msr cntvoff_el2, xzr",
        // The values of MIDR_EL1 and MPIDR_EL1 at EL1.
        "mrs x8, midr_el1",
        "msr vpidr_el2, x8",
        "mrs x8, mpidr_el1",
        "msr vmpidr_el2, x8",
        // The same VMID on all CPUs, even without stage 2: TLB entries of EL1 are tagged with it, and
        // a broadcast TLBI affects its own VMID only.
        "msr vttbr_el2, xzr",
        // The registers exist if ID_AA64PFR0_EL1.GIC, bits 27:24, is not 0.
        "mrs x8, id_aa64pfr0_el1",
        "ubfx x8, x8, #24, #4",
        "cbz x8, 3f",
        "mrs x8, s3_4_c12_c9_5", // ICC_SRE_EL2
        "orr x8, x8, #{ICC_SRE_ENABLE}",
        "orr x8, x8, #{ICC_SRE_SRE}",
        "msr s3_4_c12_c9_5, x8",
        // ICH_HCR_EL2 is accessible after the write of SRE.
        "isb",
        "msr s3_4_c12_c11_0, xzr",
        "3:",
        // The stub vectors, until a hypervisor is installed.
        "adrp x8, hyp_stub_vectors",
        "add x8, x8, :lo12:hyp_stub_vectors",
        "msr vbar_el2, x8",
        "mov x8, #2",
        "msr tpidr_el1, x8",
        "set sctlr_el1, {SCTLR_EL1}",
        "set spsr_el2, {SPSR_EL2}",
        "adr x8, 4f",
        "msr elr_el2, x8",
        "eret",

        // At EL1. As aarch64-rt's own code: registers, TLB invalidation, MMU.
        "4:",
        "set mair_el1, {MAIR}",
        "adrp x8, {table}",
        "msr ttbr0_el1, x8",
        "movz x9, #({TCR} & 0xffff)",
        "movk x9, #({TCR} >> 16 & 0xffff), lsl #16",
        // The physical address size of the CPU: TCR_EL1.IPS, from ID_AA64MMFR0_EL1.PARange.
        "mrs x8, id_aa64mmfr0_el1",
        "and x8, x8, #0xf",
        "mov x10, #{IPS_48_BITS}",
        "cmp x8, x10",
        "csel x8, x8, x10, ls",
        "bfi x9, x8, #32, #3",
        "msr tcr_el1, x9",
        "isb",
        "tlbi vmalle1",
        "dsb nsh",
        "isb",
        "set sctlr_el1, {SCTLR}",
        "isb",
        // After the MMU is on: with the MMU off, this CPU may have cached instructions from the point
        // of coherency (Arm ARM D7.5.7), which are older than those that another CPU has patched.
        "ic iallu",
        "dsb nsh",
        "isb",
        "ret",
        ".purgem set",
        HCR_EL2 = const HCR_EL2,
        HCRX_EL2 = const HCRX_EL2,
        CPTR_EL2 = const CPTR_EL2,
        CNTHCTL_EL2 = const CNTHCTL_EL2,
        ICC_SRE_ENABLE = const ICC_SRE_EL2 & 8,
        ICC_SRE_SRE = const ICC_SRE_EL2 & 1,
        SCTLR_EL1 = const SCTLR_EL1,
        SPSR_EL2 = const SPSR_EL2,
        MAIR = const DEFAULT_MAIR,
        TCR = const DEFAULT_TCR,
        SCTLR = const DEFAULT_SCTLR,
        IPS_48_BITS = const IPS_48_BITS,
        table = sym INITIAL_TABLE,
    )
}
