//! The routines, and patterns of their instructions.

use super::routine::Pattern;

/// The routine that writes text.
pub(super) const COMMIT: &str = "arch::commit::commit";
/// The routine in which the other CPUs wait.
pub(super) const WAIT: &str = "arch::wait::wait_if_requested";
/// The routine that turns the MMU on at EL1, on each CPU.
pub(super) const START: &str = "enable_mmu";
/// The instructions that turn the MMU on at EL2, without E2H, as on a Cortex-A53, and with it.
pub(super) const START_NVHE: &str = "__hyp_nvhe_init";
pub(super) const START_VHE: &str = "__hyp_vhe_init";

// The words are those of GNU as for the text beside them.
pub(super) const NOP: u32 = 0xd503_201f;
pub(super) const ANY_REGISTER: u32 = 0xffff_ffe0;
pub(super) const DC_CVAU: Pattern = Pattern::new("dc cvau", ANY_REGISTER, 0xd50b_7b20);
pub(super) const DC_CIVAC: Pattern = Pattern::new("dc civac", ANY_REGISTER, 0xd50b_7e20);
pub(super) const IC_IVAU: Pattern = Pattern::new("ic ivau", ANY_REGISTER, 0xd50b_7520);
pub(super) const IC_IALLUIS: Pattern = Pattern::new("ic ialluis", !0, 0xd508_711f);
pub(super) const TLBI_VMALLE1: Pattern = Pattern::new("tlbi vmalle1", !0, 0xd508_871f);
pub(super) const TLBI_ALLE2: Pattern = Pattern::new("tlbi alle2", !0, 0xd50c_871f);
pub(super) const IC_IALLU: Pattern = Pattern::new("ic iallu", !0, 0xd508_751f);
/// A write of SCTLR_EL1, SCTLR_EL12, SCTLR_EL2 or SCTLR_EL3.
pub(super) const SCTLR: Pattern = Pattern::new("msr sctlr", 0xfff8_ffe0, 0xd518_1000);
pub(super) const BTI_C: Pattern = Pattern::new("bti c", !0, 0xd503_245f);
pub(super) const MASK_DAIF: Pattern = Pattern::new("msr daifset, #0xf", !0, 0xd503_4fdf);
pub(super) const MASK_ALLINT: Pattern = Pattern::new("msr allint, #1", !0, 0xd501_411f);
pub(super) const RESTORE_DAIF: Pattern = Pattern::new("msr daif", ANY_REGISTER, 0xd51b_4220);
pub(super) const RESTORE_ALLINT: Pattern = Pattern::new("msr allint", ANY_REGISTER, 0xd518_4300);
pub(super) const DSB_NSH: Pattern = Pattern::new("dsb nsh", !0, 0xd503_379f);
pub(super) const DSB_ISH: Pattern = Pattern::new("dsb ish", !0, 0xd503_3b9f);
/// The instructions of the wait.
pub(super) const LDAR: Pattern = Pattern::new("ldar", 0xffff_fc00, 0x88df_fc00);
pub(super) const STLR: Pattern = Pattern::new("stlr", 0xffff_fc00, 0x889f_fc00);
/// `tbz w2, #0`: whether the generation is even.
pub(super) const IS_EVEN: Pattern = Pattern::new("tbz w2, #0", 0xfff8_001f, 0x3600_0002);
/// `b.eq` backwards.
pub(super) const WAITS_ON: Pattern = Pattern::new("b.eq back", 0xff80_001f, 0x5480_0000);
/// A CPU that waits publishes from where its stack can be walked.
pub(super) const FRAME: Pattern = Pattern::new("stp x29, x30, [x1, #8]", !0, 0xa900_f83d);
pub(super) const STACK: Pattern = Pattern::new("str x7, [x1, #24]", !0, 0xf900_0c27);
pub(super) const ISB: Pattern = Pattern::new("isb", !0, 0xd503_3fdf);
/// Computes the last byte of the data cache line: one instruction for the first word, and one in
/// each turn of the loop.
pub(super) const TO_LINE: Pattern = Pattern::new("orr x13, x11, x5", !0, 0xaa05_016d);
/// Compares the address with the last byte of the current line.
pub(super) const SAME_LINE: Pattern = Pattern::new("eor x16, x11, x13", !0, 0xca0d_0170);
/// Rounds down to the instruction cache line.
pub(super) const ROUND: Pattern = Pattern::new("bic x11, x11, x6", !0, 0x8a26_016b);
/// A line is counted when its first word comes.
pub(super) const FIRST_LINE: Pattern = Pattern::new("mov x14, #1", !0, 0xd280_002e);
/// The same in the loop, where the DC of the line before comes next.
pub(super) const COUNT_LINE: Pattern = Pattern::new("add x14, x14, #1", !0, 0x9100_05ce);
/// `tbz w7, #2`: by line, unless all at once.
pub(super) const BY_LINE: Pattern = Pattern::new("tbz w7, #2", 0xfff8_001f, 0x3610_0007);
/// Compares the word in the text with the one that was written.
pub(super) const READ_BACK: Pattern = Pattern::new("cmp w16, w12", !0, 0x6b0c_021f);
/// Stores a word through the alias.
pub(super) const STORE: Pattern = Pattern::new("str w12, [x3, x11]", !0, 0xb82b_686c);
