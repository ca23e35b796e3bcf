//! Models of CPUs on systems of several: who must not use what it claims.

use alt_runtime::cap::{
    CapSet, CapTable, IdRegs, SystemView,
    idregs::{Register, fields},
};

mod small {
    alt_runtime::cpucaps!("tests/data/cap_models.toml");
}

fn is_carmel(regs: &IdRegs) -> bool {
    regs.get(Register::MIDR_EL1) >> 4 & 0xfff == 4 && regs.get(Register::MIDR_EL1) >> 24 == 0x4e
}

fn cnp_ok(regs: &IdRegs) -> bool {
    regs.field(&fields::ID_AA64MMFR2_EL1::CnP) >= 1 && !is_carmel(regs)
}

/// A CPU of this model that claims CnP.
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
