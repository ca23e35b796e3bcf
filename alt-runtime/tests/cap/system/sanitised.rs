//! Each field of the sanitised registers follows its rule.

use alt_runtime::cap::{
    IdRegs,
    idregs::{
        Register::{self, *},
        Safe,
    },
};
use proptest::prelude::*;

use super::fixture::one;

fn merged(cpus: &[IdRegs]) -> IdRegs {
    let mut all = cpus[0];
    cpus[1..].iter().for_each(|cpu| all.merge(cpu));
    all
}

/// `(register, CPUs, system)`, by hand from the register descriptions.
const SANITISED: &[(Register, &[u64], u64)] = &[
    // Lower-safe, nibble by nibble.
    (
        ID_AA64ISAR0_EL1,
        &[0x0221_1111_1021_2120, 0x0000_1000_1021_1120],
        0x0000_1000_1021_1120,
    ),
    (ID_AA64ISAR0_EL1, &[0x1200, 0x2100], 0x1100),
    // Signed: 0xf, "none", is below 0 and 1. FP, then TGran4.
    (ID_AA64PFR0_EL1, &[0x0011_0000, 0x00ff_0000], 0x00ff_0000),
    (ID_AA64PFR0_EL1, &[0x0001_0000, 0x0010_0000], 0x0000_0000),
    (ID_AA64MMFR0_EL1, &[0x1000_0000, 0xf000_0000], 0xf000_0000),
    (ID_AA64MMFR0_EL1, &[0x1000_0000, 0x0000_0000], 0x0000_0000),
    // TGran16 is unsigned, and 0 is "not supported".
    (ID_AA64MMFR0_EL1, &[0x00f0_0000, 0x0010_0000], 0x0010_0000),
    // E2H0: -2 is below -1 is below 0.
    (
        ID_AA64MMFR4_EL1,
        &[0x0f00_0000, 0x0e00_0000, 0],
        0x0e00_0000,
    ),
    // SpecSEI is a restriction: the system has it if any CPU has it. PAN is lower-safe.
    (ID_AA64MMFR1_EL1, &[0x0010_0000, 0x0120_0000], 0x0110_0000),
    // Signing algorithms have no order. The values of GPA have one.
    (ID_AA64ISAR1_EL1, &[0x0100_0050, 0x0100_0050], 0x0100_0050),
    (ID_AA64ISAR1_EL1, &[0x0100_0050, 0x0100_0040], 0x0100_0000),
    // TGran4_2 is 1, "not supported", where CPUs differ.
    (ID_AA64MMFR0_EL1, &[0x0200_0000_0000, 0], 0x0100_0000_0000),
    // DebugVer.
    (ID_AA64DFR0_EL1, &[0x9, 0xa], 0x6),
    (ID_AA64DFR0_EL1, &[0x9, 0x9], 0x9),
    // CTR_EL0. 64-byte lines and 32-byte instruction lines: the smaller of each.
    (CTR_EL0, &[0x8444_c004, 0x8444_c003], 0x8444_c003),
    (CTR_EL0, &[0x8443_c004, 0x8444_c003], 0x8443_c003),
    // IDC and DIC: the system lacks what one CPU lacks.
    (CTR_EL0, &[0xb444_c004, 0x9444_c004], 0x9444_c004),
    (CTR_EL0, &[0x9444_c004, 0xa444_c004], 0x8444_c004),
    // CWG and ERG: the larger granule; 0 is the largest possible.
    (CTR_EL0, &[0x8454_c004, 0x8535_c004], 0x8554_c004),
    (CTR_EL0, &[0x8444_c004, 0x8054_c004], 0x8054_c004),
    (CTR_EL0, &[0x8404_c004, 0x8564_c004], 0x8504_c004),
    // PIPT (3) and VIPT (2) in one system: aliases are possible.
    (CTR_EL0, &[0x8444_c004, 0x8444_8004], 0x8444_8004),
    // TminLine.
    (CTR_EL0, &[0x4_8444_c004, 0x3_8444_c004], 0x3_8444_c004),
    // With two block sizes, DC ZVA is prohibited: DZP, bit 4.
    (DCZID_EL0, &[0x4, 0x4], 0x4),
    (DCZID_EL0, &[0x4, 0x14], 0x14),
    (DCZID_EL0, &[0x5, 0x5, 0x4], 0x14),
    (DCZID_EL0, &[0x4, 0x5, 0x5], 0x14),
    // LoUU and LoC: the level that is sufficient for every CPU.
    (CLIDR_EL1, &[0x0900_0000, 0x1200_0000], 0x1200_0000),
    // Bits of no field, [27:24] and [3:0] of ISAR0, are cleared although all CPUs have them set.
    (ID_AA64ISAR0_EL1, &[0x0530_0003, 0x0620_0003], 0x0020_0000),
    // PMUVer: 8 and 9 are later versions than 7, and CPUs that differ have no PMU in common.
    (ID_AA64DFR0_EL1, &[0x906, 0x906], 0x906),
    (ID_AA64DFR0_EL1, &[0x906, 0x806], 0x006),
    // Masks of formats: the system lacks what one CPU lacks.
    (ID_AA64FPFR0_EL1, &[0xf800_0003, 0xf800_0003], 0xf800_0003),
    (ID_AA64FPFR0_EL1, &[0xf800_0003, 0x8000_0003], 0x8000_0003),
    (ID_AA64DFR2_EL1, &[0x11, 0x01], 0x01),
    (GMID_EL1, &[4, 5], 4),
    // CPUs at different exception levels: no level, and E2H on neither.
    (CurrentEL, &[0x8, 0x8], 0x8),
    (CurrentEL, &[0x8, 0x4], 0),
    (HCR_EL2, &[0x4_0000_0000, 0x4_0000_0000], 0x4_0000_0000),
    (HCR_EL2, &[0x4_0000_0000, 0], 0),
    // One model is kept, two are zero, and a fix of one revision is not a fix of all.
    (MIDR_EL1, &[0x410f_d034, 0x410f_d034], 0x410f_d034),
    (MIDR_EL1, &[0x410f_d034, 0x410f_d033], 0),
    (REVIDR_EL1, &[0x180, 0x100], 0x100),
];

#[test]
fn each_field_follows_its_rule() {
    for &(register, words, expected) in SANITISED {
        let cpus: Vec<IdRegs> = words.iter().map(|&word| one(register, word)).collect();
        let reversed: Vec<IdRegs> = cpus.iter().rev().copied().collect();
        for cpus in [cpus, reversed] {
            let word = merged(&cpus).get(register);
            assert_eq!(word, expected, "{register} {words:x?}: {word:#x}");
        }
    }
}

/// DoubleLock is signed, and 0 means "implemented": for a reserved field, neither zero nor the common
/// value is always safe.
#[test]
fn a_system_of_one_cpu_has_no_bits_of_unknown_meaning() {
    let all_ones = one(ID_AA64ISAR0_EL1, u64::MAX);
    let view = alt_runtime::cap::SystemView::new(&EMPTY, &all_ones).unwrap();
    assert_eq!(view.ids().get(ID_AA64ISAR0_EL1), 0xffff_ffff_f0ff_fff0);
    let revidr = one(REVIDR_EL1, 0x8000_0000_0000_0100);
    let view = alt_runtime::cap::SystemView::new(&EMPTY, &revidr).unwrap();
    assert_eq!(view.ids().get(REVIDR_EL1), 0x8000_0000_0000_0100);
}

static EMPTY: alt_runtime::cap::CapTable = alt_runtime::cap_table!(&[]);

#[test]
fn a_fix_of_one_model_does_not_count_for_two() {
    let cpu = |midr, revidr| {
        [(MIDR_EL1, midr), (REVIDR_EL1, revidr)]
            .into_iter()
            .collect()
    };
    let both = merged(&[cpu(0x410f_d034, 0x100), cpu(0x410f_d0c1, 0x100)]);
    assert_eq!((both.get(MIDR_EL1), both.get(REVIDR_EL1)), (0, 0));
}

fn any_regs() -> impl Strategy<Value = IdRegs> {
    // Few different values, so that CPUs often agree.
    let word = prop_oneof![any::<u64>(), Just(0), Just(0x1111_1111_1111_1111)];
    proptest::collection::vec(word, Register::COUNT)
        .prop_map(|words| Register::ALL.iter().copied().zip(words).collect())
}

proptest! {
    #[test]
    fn the_order_of_cpus_makes_no_difference(a in any_regs(), b in any_regs(), c in any_regs()) {
        let expected = merged(&[a, b, c]);
        for order in [[a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]] {
            prop_assert_eq!(merged(&order), expected);
        }
        // Grouping and repetition make no difference, either.
        prop_assert_eq!(merged(&[a, merged(&[b, c])]), expected);
        prop_assert_eq!(merged(&[a, a]), a.sanitised());
        prop_assert_eq!(a.sanitised().sanitised(), a.sanitised());
        prop_assert_eq!(merged(&[a, b, c, b]), expected);
    }

    #[test]
    fn no_cpu_has_less_than_the_system_promises(cpus in proptest::collection::vec(any_regs(), 1..5)) {
        let system = merged(&cpus);
        for field in Register::ALL.iter().flat_map(|register| register.fields()) {
            let value = system.field(field);
            for cpu in &cpus {
                match field.safe {
                    Safe::LowerSafe => prop_assert!(value <= cpu.field(field), "{}", field),
                    Safe::HigherSafe => prop_assert!(value >= cpu.field(field), "{}", field),
                    Safe::HigherOrZeroSafe => {
                        prop_assert!(value == 0 || value >= cpu.field(field), "{}", field);
                    }
                    Safe::Exact(safe) => {
                        prop_assert!(value == safe || value == cpu.field(field), "{}", field);
                    }
                }
            }
        }
    }
}
