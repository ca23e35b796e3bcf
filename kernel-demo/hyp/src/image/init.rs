//! The first instructions of the hypervisor on each CPU: registers of EL2, its MMU and its vectors.

use core::arch::global_asm;

use crate::abi::status;

// The fields of these registers: Arm ARM D24.2, and D24.10 for CNTHCTL_EL2.
/// HCR_EL2.E2H, by its bit.
const E2H: u32 = 34;
/// With E2H, CPTR_EL2 has the form of CPACR_EL1. FPEN is 0b11, so that FP works at EL1; ZEN and SMEN
/// are 0b00, so that SVE and SME, which the kernel does not use, are trapped as without E2H.
const CPTR_EL2: u64 = 0b11 << 20;
/// With E2H, EL1PCTEN and EL1PTEN are bits 10 and 11; bits 0 and 1 are for EL0 under EL2.
const CNTHCTL_EL2: u64 = 1 << 10 | 1 << 11;
/// RES1 without E2H. With E2H, some of the bits control EL0 under EL2, which is not used as TGE is 0
/// (SA0, CP15BEN, nTWI, nTWE, nTLSMD, LSMAOE). The others make EL2 behave as without E2H: exceptions
/// and returns are context synchronising (EIS, EOS), and exceptions do not set PSTATE.PAN (SPAN).
const SCTLR_RES1: u64 =
    1 << 4 | 1 << 5 | 1 << 11 | 1 << 16 | 1 << 18 | 1 << 22 | 1 << 23 | 1 << 28 | 1 << 29;
/// MMU (M), caches (C, I), alignment check of the stack pointer (SA); writable memory is not
/// executable (WXN).
const SCTLR_EL2: u64 = SCTLR_RES1 | 1 | 1 << 2 | 1 << 12 | 1 << 3 | 1 << 19;

// The kernel's stub vectors branch here with the MMU of EL2 off, at the physical address. The tables
// map its page at that address, too, so it must not cross a page. It contains no site, because the
// caches are off like the MMU. Arguments: x2 TTBR0_EL2, x3 TCR_EL2, x4 MAIR_EL2, x5 VBAR_EL2,
// x6 the top of the stack.
global_asm!(
    ".pushsection .text.init, \"ax\"",
    ".balign 256",
    ".globl init",
    ".type init, %function",
    "init:",
    ".if {vhe}",
    "mrs x7, hcr_el2",
    "orr x7, x7, #(1 << {e2h})",
    "msr hcr_el2, x7",
    // The other registers change their form with it.
    "isb",
    "mov x7, #{cptr}",
    "msr cptr_el2, x7",
    "mov x7, #{cnthctl}",
    "msr cnthctl_el2, x7",
    ".endif",
    "msr ttbr0_el2, x2",
    "msr tcr_el2, x3",
    "msr mair_el2, x4",
    "msr vbar_el2, x5",
    // Also the end of the frame of a call, see `entry`.
    "msr tpidr_el2, x6",
    "mov sp, x6",
    "isb",
    "tlbi alle2",
    "dsb nsh",
    "isb",
    "movz x7, #({sctlr} & 0xffff)",
    "movk x7, #({sctlr} >> 16), lsl #16",
    "msr sctlr_el2, x7",
    "isb",
    // After the MMU is on: with the MMU off, this CPU may have cached instructions from the point of
    // coherency (Arm ARM D7.5.7), and nothing has been invalidated by address at EL2. The pass has
    // cleaned the words that it wrote to the point of unification.
    "ic iallu",
    "dsb nsh",
    "isb",
    "mov x0, #{ok}",
    ".irp n, 1, 2, 3, 4, 5, 6, 7",
    "mov x\\n, xzr",
    ".endr",
    "eret",
    "dsb nsh",
    "isb",
    // The assembler refuses longer code, which could cross a page.
    ".org init + 256",
    ".size init, . - init",
    ".popsection",
    vhe = const cfg!(feature = "vhe") as u8,
    e2h = const E2H,
    cptr = const CPTR_EL2,
    cnthctl = const CNTHCTL_EL2,
    sctlr = const SCTLR_EL2,
    ok = const status::OK,
);
