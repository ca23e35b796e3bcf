//! Words that are unknown or impossible are reported.

use alt_runtime::cap::{
    CapInfo, CapKind, CapTable,
    OverrideError::*,
    Overrides, Rejected,
    idregs::{Register::*, fields},
};

use super::fixture::{errors, field, info};
use crate::cpucaps::TABLE;

#[test]
fn each_mistake_is_named() {
    use fields::{ID_AA64ISAR0_EL1 as ISAR0, ID_AA64ISAR1_EL1 as ISAR1, ID_AA64PFR0_EL1 as PFR0};
    for (word, expected, text) in [
        (
            "arm64.nosuchcap",
            UnknownWord,
            "not `arm64.no` and the name of a cpucap",
        ),
        (
            "arm64.lse",
            UnknownWord,
            "not `arm64.no` and the name of a cpucap",
        ),
        (
            "arm64.no",
            UnknownWord,
            "not `arm64.no` and the name of a cpucap",
        ),
        (
            "arm64.",
            UnknownWord,
            "not `arm64.no` and the name of a cpucap",
        ),
        (
            "arm64.é",
            UnknownWord,
            "not `arm64.no` and the name of a cpucap",
        ),
        (
            "arm64.nolse=1",
            UnknownWord,
            "not `arm64.no` and the name of a cpucap",
        ),
        (
            "id_aa64isar9.atomic=0",
            UnknownRegister,
            "there is no such ID register",
        ),
        (
            "ctr_el1.dic=0",
            UnknownRegister,
            "there is no such ID register",
        ),
        (
            "id-aa64isar9.atomic=0",
            UnknownRegister,
            "there is no such ID register",
        ),
        (
            "aa64isar0_el1.atomic=0",
            UnknownRegister,
            "there is no such ID register",
        ),
        (
            "sctlr-el1.pan=0",
            UnknownRegister,
            "there is no such ID register",
        ),
        (
            "id_aa64isar0_atomic=0",
            UnknownRegister,
            "there is no such ID register",
        ),
        (
            "id-aa64isar0=0",
            MissingField(ID_AA64ISAR0_EL1),
            "ID_AA64ISAR0_EL1 is a register: add one of its fields, as in \
             ID_AA64ISAR0_EL1.<field>=0",
        ),
        (
            "arm64.nolsee",
            UnknownWord,
            "not `arm64.no` and the name of a cpucap",
        ),
        (
            "\"arm64.nolse\"",
            Quoted,
            "write the word without quotation marks",
        ),
        (
            "\"id_aa64isar0.atomic=0\"",
            Quoted,
            "write the word without quotation marks",
        ),
        (
            "hcr_el2.e2h=0",
            KernelState(HCR_EL2),
            "HCR_EL2 describes the exception level of the kernel and cannot be overridden",
        ),
        (
            "currentel.el=1",
            KernelState(CurrentEL),
            "CurrentEL describes the exception level of the kernel and cannot be overridden",
        ),
        (
            "id_aa64isar0.atmic=0",
            UnknownField(ID_AA64ISAR0_EL1),
            "ID_AA64ISAR0_EL1 has no such field",
        ),
        (
            "id_aa64isar0.atomics=0",
            UnknownField(ID_AA64ISAR0_EL1),
            "ID_AA64ISAR0_EL1 has no such field",
        ),
        (
            "id_aa64isar0.atomic=no",
            NotANumber(&ISAR0::Atomic),
            "ID_AA64ISAR0_EL1.Atomic needs a value, such as ID_AA64ISAR0_EL1.Atomic=0 or \
             ID_AA64ISAR0_EL1.Atomic=0x0",
        ),
        (
            "id_aa64isar0.atomic=0x10",
            DoesNotFit(&ISAR0::Atomic),
            "ID_AA64ISAR0_EL1.Atomic has 4 bits",
        ),
        (
            "id_aa64isar1.apa=4",
            NotSafe {
                field: &ISAR1::APA,
                safe: 0,
            },
            "ID_AA64ISAR1_EL1.APA can only be overridden by 0",
        ),
        (
            "midr_el1.partnum=0",
            Identity(MIDR_EL1),
            "MIDR_EL1 identifies the CPU model and cannot be overridden",
        ),
        (
            "revidr.any=0",
            Identity(REVIDR_EL1),
            "REVIDR_EL1 identifies the CPU model and cannot be overridden",
        ),
        (
            "arm64.noalwaysboot",
            NotOverridable("ALWAYS_BOOT"),
            "cpucap ALWAYS_BOOT cannot be overridden",
        ),
    ] {
        assert_eq!(errors(&TABLE, word), (vec![(word.to_owned(), expected)], 0));
        let rejected = Rejected {
            word,
            error: expected,
        };
        assert_eq!(rejected.to_string(), format!("{word}: {text}"));
    }
    let error = |word: &str| errors(&TABLE, word).0[0].1;
    for number in [
        "",
        "=",
        "=0x",
        "=0x-1",
        "=-",
        "=1f",
        "=2,",
        "=0b1",
        "=99999999999999999999",
    ] {
        let word = format!("id_aa64isar0.atomic{number}");
        assert_eq!(error(&word), NotANumber(&ISAR0::Atomic), "{word}");
    }
    assert_eq!(error("id_aa64isar0.atomic=16"), DoesNotFit(&ISAR0::Atomic));
    assert_eq!(error("id_aa64isar0.atomic=-1"), DoesNotFit(&ISAR0::Atomic));
    assert_eq!(error("id_aa64pfr0.fp=-9"), DoesNotFit(&PFR0::FP));
    assert_eq!(error("id_aa64pfr0.fp=16"), DoesNotFit(&PFR0::FP));
    // Errata, caps that are always present, and rules of several fields.
    for (word, name) in [
        ("arm64.noalwayssystem", "ALWAYS_SYSTEM"),
        ("arm64.noa53845719", "A53_845719"),
        ("arm64.non11542419", "N1_1542419"),
        ("arm64.novhe", "VHE"),
        ("arm64.nobbml2noabort", "BBML2_NOABORT"),
        ("arm64.nogenericauth", "GENERIC_AUTH"),
    ] {
        assert_eq!(error(word), NotOverridable(name), "{word}");
    }
}

/// Rules that no value, or an unusual one, makes false.
#[test]
fn unusual_rules_are_overridden_where_a_safe_value_exists() {
    use CapKind::{Erratum, Feature};
    use fields::{CTR_EL0 as CTR, ID_AA64ISAR1_EL1, ID_AA64MMFR1_EL1, ID_AA64PFR0_EL1};
    for (kind, rule, expected) in [
        (Feature, field(&ID_AA64PFR0_EL1::FP, 0, 7), Some(-1)),
        (Feature, field(&ID_AA64PFR0_EL1::FP, -8, 7), None),
        (Feature, field(&ID_AA64PFR0_EL1::SVE, 0, 15), None),
        (
            Feature,
            field(&ID_AA64PFR0_EL1::SVE, i64::MIN, i64::MAX),
            None,
        ),
        // Higher is safe: just above.
        (Feature, field(&ID_AA64MMFR1_EL1::SpecSEI, 0, 0), Some(1)),
        (Feature, field(&ID_AA64MMFR1_EL1::SpecSEI, 0, 15), None),
        (
            Feature,
            field(&ID_AA64MMFR1_EL1::SpecSEI, 0, i64::MAX),
            None,
        ),
        (Feature, field(&CTR::CWG, 1, 4), Some(0)),
        (Feature, field(&CTR::CWG, 0, 4), None),
        (Feature, field(&ID_AA64ISAR1_EL1::APA, 3, 15), Some(0)),
        (Feature, field(&ID_AA64ISAR1_EL1::APA, 0, 0), None),
        (Erratum, field(&CTR::DIC, 1, 1), None),
    ] {
        let infos: &'static [CapInfo] = Box::leak(Box::new([info("ODD", kind, rule)]));
        let table = CapTable::new(infos);
        let overrides = Overrides::parse(&table, "arm64.noodd", |rejected| {
            assert_eq!(rejected.error, NotOverridable("ODD"), "{rule:?}");
        });
        let values: Vec<i64> = overrides.iter().map(|(_, value)| value).collect();
        assert_eq!(values, Vec::from_iter(expected), "{rule:?}");
    }
}
