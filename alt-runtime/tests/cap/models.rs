//! CPU models that must not use a feature that they report, in systems of several models.

use alt_runtime::cap::{
    Cap, CapSet, CapTable, IdRegs, SystemView,
    idregs::{Register, fields},
};

use crate::cpucaps as shipped;

mod small {
    alt_runtime::cpucaps!("tests/data/cap_models.toml");
}

fn is_carmel(regs: &IdRegs) -> bool {
    regs.get(Register::MIDR_EL1) >> 4 & 0xfff == 4 && regs.get(Register::MIDR_EL1) >> 24 == 0x4e
}

fn cnp_ok(regs: &IdRegs) -> bool {
    regs.field(&fields::ID_AA64MMFR2_EL1::CnP) >= 1 && !is_carmel(regs)
}

/// A CPU of this model that reports CnP.
fn cpu(midr: u64) -> IdRegs {
    [(Register::MIDR_EL1, midr), (Register::ID_AA64MMFR2_EL1, 1)]
        .into_iter()
        .collect()
}

const CARMEL: u64 = 0x4e0f_0040;
const NEOVERSE_N1: u64 = 0x413f_d0c1;
const CORTEX_A78: u64 = 0x411f_d410;

fn system(table: &'static CapTable, cpus: &[IdRegs]) -> CapSet {
    let mut view = SystemView::new(table, &cpus[0]).unwrap();
    for cpu in &cpus[1..] {
        assert!(view.add_cpu(cpu).is_ok());
    }
    *view.finalise().unwrap().caps()
}

#[test]
fn a_feature_except_on_one_model_needs_every_cpu() {
    let good = [cpu(NEOVERSE_N1), cpu(CORTEX_A78)];
    let bad = cpu(CARMEL);
    for (cpus, expected) in [
        (&[good[0], good[0]][..], true),
        (&[good[0], good[1]], true),
        (&[bad, bad], false),
        (&[good[0], bad], false),
        (&[bad, good[0]], false),
        (&[good[0], good[1], bad], false),
    ] {
        let caps = system(&small::TABLE, cpus);
        let has = |cap| caps.contains(cap);
        assert_eq!(has(small::CNP_EARLY), expected);
        assert_eq!(has(small::CNP_FIELD) && !has(small::NO_CNP), expected);
        assert_eq!(has(small::CNP_CUSTOM), expected);
        assert_eq!(has(small::CNP_NOT_CUSTOM), expected);
        assert_eq!(has(small::CARMEL), !expected);
    }
}

#[test]
fn a_late_cpu_of_that_model_stays_out() {
    for cap in [small::CNP_EARLY, small::CNP_CUSTOM, small::CNP_NOT_CUSTOM] {
        let decided = SystemView::new(&small::TABLE, &cpu(NEOVERSE_N1))
            .unwrap()
            .finalise()
            .unwrap();
        assert!(decided.caps().contains(cap));
        assert!(!decided.late_cpu(&cpu(CARMEL)).is_ok());
        assert!(decided.late_cpu(&cpu(CORTEX_A78)).is_ok());
    }
}

/// `(PMUVer, PMU, PMU_P8)`, by the architecture's alternative ID scheme.
#[test]
fn versions_of_the_pmu_are_in_order_and_15_is_none() {
    for (value, pmu, p8) in [
        (0, false, false),
        (1, true, false),
        (7, true, false),
        (8, true, true),
        (9, true, true),
        (14, true, true),
        (15, false, false),
    ] {
        let regs = [(Register::ID_AA64DFR0_EL1, value << 8)]
            .into_iter()
            .collect();
        let caps = small::TABLE.detect(&regs).unwrap();
        assert_eq!(caps.contains(small::PMU), pmu, "{value}");
        assert_eq!(caps.contains(small::PMU_P8), p8, "{value}");
    }
}

#[test]
fn a_fraction_of_15_is_less_than_none() {
    for (mte, fraction, expected) in [(2, 0xf, false), (2, 0, true), (2, 1, true), (1, 0, false)] {
        let regs = [(Register::ID_AA64PFR1_EL1, mte << 8 | fraction << 40)]
            .into_iter()
            .collect();
        let caps = small::TABLE.detect(&regs).unwrap();
        assert_eq!(caps.contains(small::MTE_ASYNC), expected);
    }
}

/// `MIDR_EL1` of a revision.
const fn midr(implementer: u64, part: u64, variant: u64, revision: u64) -> u64 {
    implementer << 24 | variant << 20 | 0xf << 16 | part << 4 | revision
}

/// The caps in Linux 7.2 of models that no emulator has: `(MIDR_EL1, REVIDR_EL1,
/// caps that it has, caps that it lacks)`. The numbers are those of Linux's cputype.h.
#[rustfmt::skip]
const MODELS: &[(u64, u64, &[Cap], &[Cap])] = {
    use shipped::*;
    &[
        // Kryo 4xx Gold r13p14 and r15p15; the first revision of the range is r12p14.
        (0x51df_804e, 0, &[A76_1418040, REPEAT_TLBI], &[A76_1463225]),
        (midr(0x51, 0x804, 15, 15), 0, &[A76_1418040], &[REPEAT_TLBI]),
        (midr(0x51, 0x804, 12, 13), 0, &[], &[A76_1418040, REPEAT_TLBI]),
        // Kryo 4xx Silver r13p14, which is Cortex-A55 r1p0, and another.
        (0x51df_805e, 0, &[SPECULATIVE_AT], &[HW_DBM, SPECTRE_BHB, SPECTRE_V4]),
        (midr(0x51, 0x805, 13, 13), 0, &[HW_DBM], &[SPECULATIVE_AT]),
        (midr(0x51, 0x801, 10, 4), 0, &[A53_845719], &[SPECTRE_V2, UNMAP_KERNEL_AT_EL0]),
        // Cortex-A55, all revisions: 1024718.
        (midr(0x41, 0xd05, 1, 0), 0, &[SPECULATIVE_AT, REPEAT_TLBI], &[HW_DBM]),
        (midr(0x41, 0xd05, 2, 1), 0, &[REPEAT_TLBI], &[HW_DBM, SPECULATIVE_AT]),
        // Cortex-A510: 2051678 to r0p2; 2658417 to r1p1 unless REVIDR_EL1[25].
        (midr(0x41, 0xd46, 0, 2), 0, &[A510_2658417, A510_2064142, A510_2038923, A510_2077057, AMU_CONSTCNT, REPEAT_TLBI], &[HW_DBM, A510_1902691]),
        (midr(0x41, 0xd46, 0, 1), 0, &[A510_1902691], &[HW_DBM]),
        (midr(0x41, 0xd46, 1, 1), 0, &[A510_2658417, HW_DBM, SPECULATIVE_UNPRIV_LOAD], &[A510_2064142, SPECTRE_BHB]),
        (midr(0x41, 0xd46, 1, 1), 1 << 25, &[HW_DBM], &[A510_2658417]),
        (midr(0x41, 0xd46, 1, 2), 0, &[SPECULATIVE_UNPRIV_LOAD], &[A510_2658417, REPEAT_TLBI]),
        (midr(0x41, 0xd80, 0, 1), 0, &[SPECULATIVE_UNPRIV_LOAD], &[]),
        (midr(0x41, 0xd80, 0, 2), 0, &[], &[SPECULATIVE_UNPRIV_LOAD, SPECTRE_BHB]),
        // 4118414: all revisions of 23 models.
        (midr(0x41, 0xd0b, 4, 1), 0, &[REPEAT_TLBI, SPECULATIVE_SSBS], &[A76_1418040]),
        (midr(0x41, 0xd0e, 1, 1), 0, &[REPEAT_TLBI], &[SPECULATIVE_SSBS]),
        (midr(0x41, 0xd42, 0, 0), 0, &[REPEAT_TLBI], &[SPECULATIVE_SSBS]),
        (midr(0x41, 0xd8c, 0, 0), 0, &[REPEAT_TLBI], &[SPECULATIVE_SSBS]),
        (midr(0x41, 0xd90, 0, 0), 0, &[REPEAT_TLBI], &[]),
        (midr(0x4e, 0x010, 0, 0), 0, &[REPEAT_TLBI, BBML2_NOABORT], &[]),
        (midr(0x6d, 0xd49, 0, 0), 0, &[REPEAT_TLBI, SPECULATIVE_SSBS, TRBE_OVERWRITE_FILL_MODE, TRBE_WRITE_OUT_OF_RANGE, TSB_FLUSH_FAILURE], &[]),
        (midr(0x41, 0xd4d, 0, 0), 0, &[SPECULATIVE_SSBS, A715_2645198], &[REPEAT_TLBI]),
        (midr(0x41, 0xd8e, 0, 0), 0, &[SPECULATIVE_SSBS], &[REPEAT_TLBI]),
        // BBM level 2 without aborts depends on the model, not on the field.
        (0x410f_d493, 0, &[REPEAT_TLBI], &[BBML2_NOABORT]),
        (midr(0x41, 0xd82, 0, 3), 0, &[BBML2_NOABORT, REPEAT_TLBI], &[]),
        (midr(0x41, 0xd82, 0, 2), 0, &[], &[BBML2_NOABORT]),
        (midr(0x41, 0xd84, 0, 1), 0, &[], &[BBML2_NOABORT]),
        (midr(0x41, 0xd83, 0, 2), 0, &[BBML2_NOABORT], &[]),
        (midr(0xc0, 0xac3, 0, 0), 0, &[BBML2_NOABORT, AMPERE_AC03_CPU_38], &[AMPERE_AC04_CPU_23]),
        (midr(0xc0, 0xac4, 0, 0), 0, &[AMPERE_AC03_CPU_38, AMPERE_AC04_CPU_23], &[]),
        // CnP that must not be used.
        (CARMEL, 0, &[SPECTRE_V2, SPECTRE_V4], &[CNP, UNMAP_KERNEL_AT_EL0]),
        (midr(0x48, 0xd02, 0, 0), 0, &[], &[CNP]),
        (midr(0x48, 0xd01, 0, 0), 0, &[CNP, SPECTRE_BHB], &[UNMAP_KERNEL_AT_EL0, SPECTRE_V2]),
        (midr(0x41, 0xd09, 0, 2), 0, &[A73_858921, SPECTRE_V2], &[UNMAP_KERNEL_AT_EL0, SPECTRE_V3A]),
        (midr(0x41, 0xd0a, 0, 0), 0, &[UNMAP_KERNEL_AT_EL0], &[]),
        (midr(0x41, 0xd07, 0, 0), 0, &[A57_834220, SPECTRE_V3A], &[A57_1742098]),
        (midr(0x41, 0xd07, 1, 3), 0, &[A57_1742098], &[A57_834220, A57_832075]),
        (midr(0x41, 0xd0d, 1, 0), 0, &[A77_1508412], &[]),
        (midr(0x41, 0xd0d, 1, 1), 0, &[SPECULATIVE_SSBS], &[A77_1508412]),
        (midr(0x41, 0xd48, 2, 0), 0, &[TRBE_OVERWRITE_FILL_MODE, TRBE_WRITE_OUT_OF_RANGE], &[TSB_FLUSH_FAILURE]),
        (midr(0x41, 0xd48, 2, 1), 0, &[], &[TRBE_OVERWRITE_FILL_MODE, TRBE_WRITE_OUT_OF_RANGE]),
        (midr(0x41, 0xd87, 0, 2), 0, &[AMU_CONSTCNT, SPECULATIVE_SSBS], &[]),
        (midr(0x43, 0x0a1, 1, 1), 0, &[CAVIUM_23154, CAVIUM_27456, CAVIUM_30115], &[]),
        (midr(0x43, 0x0a1, 1, 2), 0, &[CAVIUM_23154, CAVIUM_30115], &[CAVIUM_27456]),
        (midr(0x43, 0x0a3, 0, 1), 0, &[CAVIUM_23154], &[CAVIUM_30115]),
        (midr(0x43, 0x0b6, 0, 0), 0, &[CAVIUM_23154], &[]),
        (midr(0x43, 0x0af, 1, 0), 0, &[TX2_219_PRFM], &[UNMAP_KERNEL_AT_EL0, CAVIUM_23154]),
        (midr(0x51, 0x205, 1, 0), 0, &[FALKOR_E1003, REPEAT_TLBI], &[]),
        (midr(0x51, 0x800, 0, 1), 0, &[], &[FALKOR_E1003, REPEAT_TLBI]),
        (midr(0x51, 0x001, 2, 1), 0, &[ORYON_CNTVOFF], &[]),
    ]
};

#[test]
fn models_have_what_linux_says_of_them() {
    for &(midr, revidr, has, has_not) in MODELS {
        let mut regs = cpu(midr);
        regs.set(Register::REVIDR_EL1, revidr);
        regs.set_field(&fields::ID_AA64MMFR1_EL1::HAFDBS, 2);
        regs.set_field(&fields::ID_AA64MMFR2_EL1::BBM, 2);
        let present = system(&shipped::TABLE, &[regs]);
        let name = |cap: &Cap| shipped::TABLE.name(cap.number()).unwrap();
        for cap in has {
            assert!(present.contains(*cap), "{midr:#x} lacks {}", name(cap));
        }
        for cap in has_not {
            assert!(!present.contains(*cap), "{midr:#x} has {}", name(cap));
        }
    }
}

/// The check of a hook, on a system that has the cap and on a CPU that must not use it.
#[test]
fn a_cpu_has_a_local_cap_by_its_whole_rule() {
    let with_dbm = |midr| {
        let mut regs = cpu(midr);
        regs.set_field(&fields::ID_AA64MMFR1_EL1::HAFDBS, 2);
        regs
    };
    let (a76, a55) = (
        with_dbm(midr(0x41, 0xd0b, 4, 0)),
        with_dbm(midr(0x41, 0xd05, 2, 0)),
    );
    let both = system(&shipped::TABLE, &[a76, a55]);
    assert!(both.contains(shipped::HW_DBM));
    assert!(shipped::TABLE.cpu_has(shipped::HW_DBM, &a76));
    assert!(!shipped::TABLE.cpu_has(shipped::HW_DBM, &a55));
}

/// VHE and erratum 1463225 depend on the exception level of the kernel.
#[test]
fn the_exception_level_is_the_kernels() {
    let a76 = |el, e2h| {
        let mut regs = cpu(midr(0x41, 0xd0b, 3, 0));
        regs.set_field(&fields::ID_AA64MMFR1_EL1::VH, 1);
        regs.set_field(&fields::CurrentEL::EL, el);
        regs.set_field(&fields::HCR_EL2::E2H, e2h);
        regs
    };
    for (el, e2h, vhe, erratum) in [
        (1, 0, false, false),
        (2, 0, false, true),
        (2, 1, true, true),
    ] {
        let present = system(&shipped::TABLE, &[a76(el, e2h), a76(el, e2h)]);
        assert_eq!(present.contains(shipped::VHE), vhe);
        assert_eq!(present.contains(shipped::A76_1463225), erratum);
        assert!(present.contains(shipped::HVHE));
    }
    // A secondary CPU at another level cannot be added.
    let mut view = SystemView::new(&shipped::TABLE, &a76(2, 1)).unwrap();
    assert_eq!(
        view.add_cpu(&a76(1, 0)).to_string(),
        "the system cannot continue: the system relies on cpucap VHE, which this CPU lacks \
         (HCR_EL2.E2H=0)"
    );
}

/// Apple's CPUs have 0b1111 in PMUVer, and only a kernel at EL2 can set the trap.
#[test]
fn the_pmu_of_apple_is_trapped_for_guests() {
    for (midr, e2h, pmu, expected) in [
        (midr(0x61, 0x022, 1, 1), 1, -1, true),
        (midr(0x61, 0x039, 1, 1), 1, -1, true),
        (midr(0x61, 0x026, 1, 1), 1, -1, false),
        (midr(0x61, 0x022, 1, 1), 0, -1, false),
        (midr(0x61, 0x022, 1, 1), 1, 4, false),
    ] {
        let mut regs = cpu(midr);
        regs.set_field(&fields::HCR_EL2::E2H, e2h);
        regs.set_field(&fields::ID_AA64DFR0_EL1::PMUVer, pmu);
        let present = system(&shipped::TABLE, &[regs]);
        assert_eq!(present.contains(shipped::PMUV3_IMPDEF_TRAPS), expected);
        assert_eq!(present.contains(shipped::PMUV3), pmu == 4);
    }
}

#[test]
fn sme_of_the_c1_pro_is_at_fault_where_it_is() {
    for (revision, revidr, sme, expected) in [
        (1, 0, 1, true),
        (1, 0, 0, false),
        (2, 0, 1, true),
        (2, 1, 1, false),
    ] {
        let mut regs = cpu(midr(0x41, 0xd8b, 1, revision));
        regs.set(Register::REVIDR_EL1, revidr);
        regs.set_field(&fields::ID_AA64PFR1_EL1::SME, sme);
        let present = system(&shipped::TABLE, &[regs]);
        assert_eq!(present.contains(shipped::C1_PRO_4193714), expected);
    }
}

/// CSV2 and CSV3 show that a CPU of any model is safe.
#[test]
fn csv2_and_csv3_show_that_a_cpu_is_safe() {
    use shipped::{SPECTRE_BHB, SPECTRE_V2, UNMAP_KERNEL_AT_EL0};
    for (csv2, csv3, v2, bhb, kpti) in [
        (0, 0, true, true, true),
        (1, 0, false, true, true),
        (2, 1, false, true, false),
        (3, 1, false, false, false),
    ] {
        let mut regs = cpu(midr(0x41, 0xd0a, 0, 0));
        regs.set_field(&fields::ID_AA64PFR0_EL1::CSV2, csv2);
        regs.set_field(&fields::ID_AA64PFR0_EL1::CSV3, csv3);
        let present = system(&shipped::TABLE, &[regs]);
        let found = [SPECTRE_V2, SPECTRE_BHB, UNMAP_KERNEL_AT_EL0].map(|cap| present.contains(cap));
        assert_eq!(found, [v2, bhb, kpti]);
    }
}
