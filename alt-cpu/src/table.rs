//! The one list of ID registers and their fields.

/// Calls the macro `$callback` with the whole list of ID registers and fields.
///
/// The list is in the order of [`Register`](crate::Register). Each entry has the form
///
/// ```text
/// NAME (op0, op1, CRn, CRm, op2) [if REGISTER.Field >= min] { Field [msb:lsb] Scheme Safe[, may_differ]; ... }
/// ```
///
/// where `Scheme` and `Safe` are variants of [`Scheme`](crate::Scheme) and [`Safe`](crate::Safe).
/// A register with `if` exists only where the field has at least this value; elsewhere `MRS` of it
/// is UNDEFINED, and its value counts as zero. `may_differ` marks a field in which the CPUs of one
/// system usually differ: [`Field::may_differ`](crate::Field::may_differ). Use this macro for code
/// that is needed *per register*, such as the `MRS` that reads it.
///
/// Names, encodings and bit positions are those of the register descriptions in the Arm ARM
/// (DDI 0487). `tests/sources.rs` compares them with four published sources.
#[macro_export]
macro_rules! for_each_register {
    ($callback:ident) => {
        $callback! {
            // The CPU model: no value is right for two different CPUs.
            MIDR_EL1 (3, 0, 0, 0, 0) {
                Implementer  [31:24] Unsigned Exact(0), may_differ;
                Variant      [23:20] Unsigned Exact(0), may_differ;
                Architecture [19:16] Unsigned Exact(0), may_differ;
                PartNum      [15:4]  Unsigned Exact(0), may_differ;
                Revision     [3:0]   Unsigned Exact(0), may_differ;
            }
            // IMPLEMENTATION DEFINED; each bit is an erratum that is fixed without a new revision.
            REVIDR_EL1 (3, 0, 0, 0, 6) {}
            CTR_EL0 (3, 3, 0, 0, 1) {
                TminLine [37:32] Unsigned LowerSafe;
                // RES1, and shown by kernels that emulate reads of CTR_EL0.
                RES1     [31:31] Unsigned Exact(1);
                DIC      [29:29] Unsigned LowerSafe;
                IDC      [28:28] Unsigned LowerSafe;
                CWG      [27:24] Unsigned HigherOrZeroSafe;
                ERG      [23:20] Unsigned HigherOrZeroSafe;
                DminLine [19:16] Unsigned LowerSafe;
                // VIPT (2) requires the most maintenance of the defined policies.
                L1Ip     [15:14] Unsigned Exact(2), may_differ;
                IminLine [3:0]   Unsigned LowerSafe;
            }
            DCZID_EL0 (3, 3, 0, 0, 7) {
                // With two block sizes in one system, `DC ZVA` must not be used.
                DZP [4:4] Unsigned HigherSafe;
                BS  [3:0] Unsigned LowerSafe;
            }
            // Maintaining too many levels is slow; maintaining too few is wrong.
            CLIDR_EL1 (3, 1, 0, 0, 1) {
                Ttype7 [46:45] Unsigned HigherSafe, may_differ;
                Ttype6 [44:43] Unsigned HigherSafe, may_differ;
                Ttype5 [42:41] Unsigned HigherSafe, may_differ;
                Ttype4 [40:39] Unsigned HigherSafe, may_differ;
                Ttype3 [38:37] Unsigned HigherSafe, may_differ;
                Ttype2 [36:35] Unsigned HigherSafe, may_differ;
                Ttype1 [34:33] Unsigned HigherSafe, may_differ;
                ICB    [32:30] Unsigned HigherOrZeroSafe, may_differ;
                LoUU   [29:27] Unsigned HigherSafe, may_differ;
                LoC    [26:24] Unsigned HigherSafe, may_differ;
                LoUIS  [23:21] Unsigned HigherSafe, may_differ;
                Ctype7 [20:18] Unsigned HigherSafe, may_differ;
                Ctype6 [17:15] Unsigned HigherSafe, may_differ;
                Ctype5 [14:12] Unsigned HigherSafe, may_differ;
                Ctype4 [11:9]  Unsigned HigherSafe, may_differ;
                Ctype3 [8:6]   Unsigned HigherSafe, may_differ;
                Ctype2 [5:3]   Unsigned HigherSafe, may_differ;
                Ctype1 [2:0]   Unsigned HigherSafe, may_differ;
            }
            ID_AA64PFR0_EL1 (3, 0, 0, 4, 0) {
                CSV3    [63:60] Unsigned LowerSafe, may_differ;
                CSV2    [59:56] Unsigned LowerSafe, may_differ;
                RME     [55:52] Unsigned LowerSafe;
                DIT     [51:48] Unsigned LowerSafe;
                AMU     [47:44] Unsigned LowerSafe, may_differ;
                MPAM    [43:40] Unsigned LowerSafe;
                SEL2    [39:36] Unsigned LowerSafe, may_differ;
                SVE     [35:32] Unsigned LowerSafe;
                RAS     [31:28] Unsigned LowerSafe;
                GIC     [27:24] Unsigned LowerSafe;
                AdvSIMD [23:20] Signed   LowerSafe;
                FP      [19:16] Signed   LowerSafe;
                EL3     [15:12] Unsigned LowerSafe, may_differ;
                EL2     [11:8]  Unsigned LowerSafe, may_differ;
                EL1     [7:4]   Unsigned LowerSafe, may_differ;
                EL0     [3:0]   Unsigned LowerSafe, may_differ;
            }
            ID_AA64PFR1_EL1 (3, 0, 0, 4, 1) {
                PFAR      [63:60] Unsigned LowerSafe;
                DF2       [59:56] Unsigned LowerSafe;
                MTEX      [55:52] Unsigned LowerSafe;
                THE       [51:48] Unsigned LowerSafe;
                GCS       [47:44] Unsigned LowerSafe;
                MTE_frac  [43:40] Signed   LowerSafe;
                NMI       [39:36] Unsigned LowerSafe;
                CSV2_frac [35:32] Unsigned LowerSafe;
                RNDR_trap [31:28] Unsigned LowerSafe;
                SME       [27:24] Unsigned LowerSafe;
                MPAM_frac [19:16] Unsigned LowerSafe;
                RAS_frac  [15:12] Unsigned LowerSafe;
                MTE       [11:8]  Unsigned LowerSafe;
                SSBS      [7:4]   Unsigned LowerSafe, may_differ;
                BT        [3:0]   Unsigned LowerSafe;
            }
            ID_AA64PFR2_EL1 (3, 0, 0, 4, 2) {
                VMTETCL      [47:44] Unsigned LowerSafe;
                VMTETC       [43:40] Unsigned LowerSafe;
                VMTE         [39:36] Unsigned LowerSafe;
                FPMR         [35:32] Unsigned LowerSafe;
                MPAM2        [31:28] Unsigned LowerSafe;
                FGDT         [27:24] Unsigned LowerSafe;
                MTEEIRG      [23:20] Unsigned LowerSafe;
                UINJ         [19:16] Unsigned LowerSafe;
                GCIE         [15:12] Unsigned LowerSafe;
                MTEFAR       [11:8]  Unsigned LowerSafe, may_differ;
                MTESTOREONLY [7:4]   Unsigned LowerSafe, may_differ;
                MTEPERM      [3:0]   Unsigned LowerSafe;
            }
            ID_AA64ZFR0_EL1 (3, 0, 0, 4, 4) {
                F64MM   [59:56] Unsigned LowerSafe;
                F32MM   [55:52] Unsigned LowerSafe;
                F16MM   [51:48] Unsigned LowerSafe;
                I8MM    [47:44] Unsigned LowerSafe;
                SM4     [43:40] Unsigned LowerSafe;
                SHA3    [35:32] Unsigned LowerSafe;
                B16B16  [27:24] Unsigned LowerSafe;
                BF16    [23:20] Unsigned LowerSafe;
                BitPerm [19:16] Unsigned LowerSafe;
                EltPerm [15:12] Unsigned LowerSafe;
                AES     [7:4]   Unsigned LowerSafe;
                SVEver  [3:0]   Unsigned LowerSafe;
            }
            // Some of these fields are masks, not numbers. A CPU to which a task may migrate must have
            // exactly the features that the task has found.
            ID_AA64SMFR0_EL1 (3, 0, 0, 4, 5) {
                FA64     [63:63] Unsigned Exact(0);
                LUT6     [61:61] Unsigned Exact(0);
                LUTv2    [60:60] Unsigned Exact(0);
                SMEver   [59:56] Unsigned Exact(0);
                I16I64   [55:52] Unsigned Exact(0);
                F64F64   [48:48] Unsigned Exact(0);
                I16I32   [47:44] Unsigned Exact(0);
                B16B16   [43:43] Unsigned Exact(0);
                F16F16   [42:42] Unsigned Exact(0);
                F8F16    [41:41] Unsigned Exact(0);
                F8F32    [40:40] Unsigned Exact(0);
                I8I32    [39:36] Unsigned Exact(0);
                F16F32   [35:35] Unsigned Exact(0);
                B16F32   [34:34] Unsigned Exact(0);
                BI32I32  [33:33] Unsigned Exact(0);
                F32F32   [32:32] Unsigned Exact(0);
                SF8FMA   [30:30] Unsigned Exact(0);
                SF8DP4   [29:29] Unsigned Exact(0);
                SF8DP2   [28:28] Unsigned Exact(0);
                SBitPerm [25:25] Unsigned Exact(0);
                AES      [24:24] Unsigned Exact(0);
                SFEXPA   [23:23] Unsigned Exact(0);
                STMOP    [16:16] Unsigned Exact(0);
                SMOP4    [0:0]   Unsigned Exact(0);
            }
            // Masks, as in ID_AA64SMFR0_EL1.
            ID_AA64FPFR0_EL1 (3, 0, 0, 4, 7) {
                F8CVT  [31:31] Unsigned Exact(0);
                F8FMA  [30:30] Unsigned Exact(0);
                F8DP4  [29:29] Unsigned Exact(0);
                F8DP2  [28:28] Unsigned Exact(0);
                F8MM8  [27:27] Unsigned Exact(0);
                F8MM4  [26:26] Unsigned Exact(0);
                F16MM2 [15:15] Unsigned Exact(0);
                F8E4M3 [1:1]   Unsigned Exact(0);
                F8E5M2 [0:0]   Unsigned Exact(0);
            }
            ID_AA64DFR0_EL1 (3, 0, 0, 5, 0) {
                HPMN0       [63:60] Unsigned LowerSafe;
                ExtTrcBuff  [59:56] Unsigned LowerSafe;
                BRBE        [55:52] Unsigned LowerSafe;
                MTPMU       [51:48] Signed   LowerSafe;
                TraceBuffer [47:44] Unsigned LowerSafe;
                TraceFilt   [43:40] Unsigned LowerSafe;
                DoubleLock  [39:36] Signed   LowerSafe;
                PMSVer      [35:32] Unsigned LowerSafe, may_differ;
                CTX_CMPs    [31:28] Unsigned LowerSafe;
                SEBEP       [27:24] Unsigned LowerSafe;
                WRPs        [23:20] Unsigned LowerSafe;
                PMSS        [19:16] Unsigned LowerSafe;
                BRPs        [15:12] Unsigned LowerSafe;
                PMUVer      [11:8]  Alternative Exact(0), may_differ;
                TraceVer    [7:4]   Unsigned LowerSafe;
                DebugVer    [3:0]   Unsigned Exact(6);
            }
            ID_AA64DFR1_EL1 (3, 0, 0, 5, 1) {
                ABL_CMPs [63:56] Unsigned LowerSafe;
                DPFZS    [55:52] Unsigned LowerSafe;
                EBEP     [51:48] Unsigned LowerSafe;
                ITE      [47:44] Unsigned LowerSafe;
                ABLE     [43:40] Unsigned LowerSafe;
                PMICNTR  [39:36] Unsigned LowerSafe;
                SPMU     [35:32] Unsigned LowerSafe;
                CTX_CMPs [31:24] Unsigned LowerSafe;
                WRPs     [23:16] Unsigned LowerSafe;
                BRPs     [15:8]  Unsigned LowerSafe;
                SYSPMUID [7:0]   Unsigned Exact(0);
            }
            ID_AA64DFR2_EL1 (3, 0, 0, 5, 2) {
                TRBE_EXC [27:24] Unsigned LowerSafe;
                SPE_nVM  [23:20] Unsigned LowerSafe;
                SPE_EXC  [19:16] Unsigned LowerSafe;
                BWE      [7:4]   Unsigned LowerSafe;
                STEP     [3:0]   Unsigned LowerSafe;
            }
            ID_AA64ISAR0_EL1 (3, 0, 0, 6, 0) {
                RNDR   [63:60] Unsigned LowerSafe;
                TLB    [59:56] Unsigned LowerSafe;
                TS     [55:52] Unsigned LowerSafe;
                FHM    [51:48] Unsigned LowerSafe;
                DP     [47:44] Unsigned LowerSafe;
                SM4    [43:40] Unsigned LowerSafe;
                SM3    [39:36] Unsigned LowerSafe;
                SHA3   [35:32] Unsigned LowerSafe;
                RDM    [31:28] Unsigned LowerSafe;
                Atomic [23:20] Unsigned LowerSafe;
                CRC32  [19:16] Unsigned LowerSafe;
                SHA2   [15:12] Unsigned LowerSafe;
                SHA1   [11:8]  Unsigned LowerSafe;
                AES    [7:4]   Unsigned LowerSafe;
            }
            // CPUs that sign pointers by different algorithms (APA, API, APA3) cannot authenticate
            // each other's pointers: a system of such CPUs has no address authentication.
            ID_AA64ISAR1_EL1 (3, 0, 0, 6, 1) {
                LS64    [63:60] Unsigned LowerSafe;
                XS      [59:56] Unsigned LowerSafe;
                I8MM    [55:52] Unsigned LowerSafe;
                DGH     [51:48] Unsigned LowerSafe;
                BF16    [47:44] Unsigned LowerSafe;
                SPECRES [43:40] Unsigned LowerSafe;
                SB      [39:36] Unsigned LowerSafe;
                FRINTTS [35:32] Unsigned LowerSafe;
                GPI     [31:28] Unsigned LowerSafe;
                GPA     [27:24] Unsigned LowerSafe;
                LRCPC   [23:20] Unsigned LowerSafe;
                FCMA    [19:16] Unsigned LowerSafe;
                JSCVT   [15:12] Unsigned LowerSafe;
                API     [11:8]  Unsigned Exact(0);
                APA     [7:4]   Unsigned Exact(0);
                DPB     [3:0]   Unsigned LowerSafe;
            }
            ID_AA64ISAR2_EL1 (3, 0, 0, 6, 2) {
                ATS1A        [63:60] Unsigned LowerSafe;
                LUT          [59:56] Unsigned LowerSafe, may_differ;
                CSSC         [55:52] Unsigned LowerSafe, may_differ;
                RPRFM        [51:48] Unsigned LowerSafe, may_differ;
                PCDPHINT     [47:44] Unsigned LowerSafe;
                PRFMSLC      [43:40] Unsigned LowerSafe;
                SYSINSTR_128 [39:36] Unsigned LowerSafe;
                SYSREG_128   [35:32] Unsigned LowerSafe;
                CLRBHB       [31:28] Unsigned LowerSafe;
                PAC_frac     [27:24] Unsigned LowerSafe;
                BC           [23:20] Unsigned LowerSafe;
                MOPS         [19:16] Unsigned LowerSafe;
                APA3         [15:12] Unsigned Exact(0);
                GPA3         [11:8]  Unsigned LowerSafe;
                RPRES        [7:4]   Unsigned LowerSafe, may_differ;
                WFxT         [3:0]   Unsigned LowerSafe, may_differ;
            }
            ID_AA64ISAR3_EL1 (3, 0, 0, 6, 3) {
                LSCP      [47:44] Unsigned LowerSafe;
                LSCSHINT  [43:40] Unsigned LowerSafe;
                MTETC     [39:36] Unsigned LowerSafe;
                PAC_frac2 [35:32] Unsigned LowerSafe;
                FPRCVT    [31:28] Unsigned LowerSafe, may_differ;
                LSUI      [27:24] Unsigned LowerSafe, may_differ;
                OCCMO     [23:20] Unsigned LowerSafe;
                LSFE      [19:16] Unsigned LowerSafe, may_differ;
                PACM      [15:12] Unsigned LowerSafe;
                TLBIW     [11:8]  Unsigned LowerSafe;
                FAMINMAX  [7:4]   Unsigned LowerSafe, may_differ;
                CPA       [3:0]   Unsigned LowerSafe;
            }
            ID_AA64MMFR0_EL1 (3, 0, 0, 7, 0) {
                ECV       [63:60] Unsigned LowerSafe;
                FGT       [59:56] Unsigned LowerSafe;
                ExS       [47:44] Unsigned LowerSafe;
                // 0 refers to the stage 1 field, and 1 is "not supported": the values have no order.
                TGran4_2  [43:40] Unsigned Exact(1), may_differ;
                TGran64_2 [39:36] Unsigned Exact(1), may_differ;
                TGran16_2 [35:32] Unsigned Exact(1), may_differ;
                TGran4    [31:28] Signed   LowerSafe, may_differ;
                TGran64   [27:24] Signed   LowerSafe, may_differ;
                TGran16   [23:20] Unsigned LowerSafe, may_differ;
                BigEndEL0 [19:16] Unsigned LowerSafe;
                SNSMem    [15:12] Unsigned LowerSafe, may_differ;
                BigEnd    [11:8]  Unsigned LowerSafe;
                ASIDBits  [7:4]   Unsigned LowerSafe;
                PARange   [3:0]   Unsigned LowerSafe, may_differ;
            }
            ID_AA64MMFR1_EL1 (3, 0, 0, 7, 1) {
                ECBHB    [63:60] Unsigned LowerSafe;
                CMOW     [59:56] Unsigned LowerSafe;
                TIDCP1   [55:52] Unsigned LowerSafe, may_differ;
                nTLBPA   [51:48] Unsigned LowerSafe;
                AFP      [47:44] Unsigned LowerSafe;
                HCX      [43:40] Unsigned LowerSafe;
                ETS      [39:36] Unsigned LowerSafe;
                TWED     [35:32] Unsigned LowerSafe;
                XNX      [31:28] Unsigned LowerSafe;
                // A restriction: speculative reads may cause SErrors.
                SpecSEI  [27:24] Unsigned HigherSafe;
                PAN      [23:20] Unsigned LowerSafe;
                LO       [19:16] Unsigned LowerSafe;
                HPDS     [15:12] Unsigned LowerSafe;
                VH       [11:8]  Unsigned LowerSafe;
                VMIDBits [7:4]   Unsigned LowerSafe;
                HAFDBS   [3:0]   Unsigned LowerSafe;
            }
            ID_AA64MMFR2_EL1 (3, 0, 0, 7, 2) {
                E0PD    [63:60] Unsigned LowerSafe, may_differ;
                EVT     [59:56] Unsigned LowerSafe;
                BBM     [55:52] Unsigned LowerSafe;
                TTL     [51:48] Unsigned LowerSafe;
                FWB     [43:40] Unsigned LowerSafe;
                IDS     [39:36] Unsigned LowerSafe;
                AT      [35:32] Unsigned LowerSafe;
                ST      [31:28] Unsigned LowerSafe;
                NV      [27:24] Unsigned LowerSafe;
                CCIDX   [23:20] Unsigned LowerSafe;
                VARange [19:16] Unsigned LowerSafe;
                IESB    [15:12] Unsigned LowerSafe, may_differ;
                LSM     [11:8]  Unsigned LowerSafe;
                UAO     [7:4]   Unsigned LowerSafe;
                CnP     [3:0]   Unsigned LowerSafe;
            }
            ID_AA64MMFR3_EL1 (3, 0, 0, 7, 3) {
                Spec_FPACC [63:60] Unsigned LowerSafe;
                ADERR      [59:56] Unsigned LowerSafe;
                SDERR      [55:52] Unsigned LowerSafe;
                ANERR      [47:44] Unsigned LowerSafe;
                SNERR      [43:40] Unsigned LowerSafe;
                D128_2     [39:36] Unsigned LowerSafe;
                D128       [35:32] Unsigned LowerSafe;
                MEC        [31:28] Unsigned LowerSafe;
                AIE        [27:24] Unsigned LowerSafe;
                S2POE      [23:20] Unsigned LowerSafe;
                S1POE      [19:16] Unsigned LowerSafe, may_differ;
                S2PIE      [15:12] Unsigned LowerSafe;
                S1PIE      [11:8]  Unsigned LowerSafe, may_differ;
                SCTLRX     [7:4]   Unsigned LowerSafe;
                TCRX       [3:0]   Unsigned LowerSafe, may_differ;
            }
            ID_AA64MMFR4_EL1 (3, 0, 0, 7, 4) {
                MTEFGT  [63:60] Unsigned LowerSafe;
                SCRX    [59:56] Unsigned LowerSafe;
                TEV     [55:52] Unsigned LowerSafe;
                TPS     [51:48] Unsigned LowerSafe;
                SRMASK  [47:44] Unsigned LowerSafe;
                TLBID   [43:40] Unsigned LowerSafe;
                E3DSE   [39:36] Unsigned LowerSafe;
                EAESR   [35:32] Unsigned LowerSafe;
                RMEGDI  [31:28] Unsigned LowerSafe;
                E2H0    [27:24] Signed   LowerSafe;
                NV_frac [23:20] Unsigned LowerSafe;
                FGWTE3  [19:16] Unsigned LowerSafe;
                HACDBS  [15:12] Unsigned LowerSafe;
                ASID2   [11:8]  Unsigned LowerSafe;
                EIESB   [7:4]   Signed   LowerSafe;
                PoPS    [3:0]   Unsigned LowerSafe;
            }
            // The block size of LDGM and STGM: it is safe to step by the smaller of two.
            GMID_EL1 (3, 1, 0, 0, 4) if ID_AA64PFR1_EL1.MTE >= 2 {
                BS [3:0] Unsigned LowerSafe;
            }
            // These two describe the exception level of the kernel, not the CPU.
            CurrentEL (3, 0, 4, 2, 2) {
                EL [3:2] Unsigned Exact(0);
            }
            HCR_EL2 (3, 4, 1, 1, 0) if CurrentEL.EL >= 2 {
                E2H [34:34] Unsigned Exact(0);
            }
        }
    };
}
