//! Overrides from the kernel command line.

#![deny(missing_docs)]

use alt_runtime::cap::{
    Applied, Cap, CapInfo, CapTable, CpuVerdict, IdRegs, Kind, LatePolicy, MAX_OVERRIDES,
    OverrideError::{self, *},
    Overrides, Rejected, Rule, Scope, SystemView,
    idregs::{Field, Register::*, fields},
};

#[path = "common/machines.rs"]
mod machines;
use machines::machines;

mod cpucaps {
    alt_runtime::cpucaps!("../cpucaps.toml");
}
use cpucaps::*;

/// The overrides of a line without any error in it, as `register.field=value`.
#[track_caller]
fn overrides(cmdline: &str) -> Vec<String> {
    let overrides = Overrides::parse(&TABLE, cmdline, |rejected| panic!("{rejected}"));
    assert_eq!(overrides.is_empty(), overrides.iter().next().is_none());
    overrides
        .iter()
        .map(|(field, value)| format!("{field}={value}"))
        .collect()
}

/// What is wrong with a line, and how many fields it overrides all the same.
fn errors(table: &CapTable, cmdline: &str) -> (Vec<(String, OverrideError)>, usize) {
    let mut errors = Vec::new();
    let overrides = Overrides::parse(table, cmdline, |Rejected { word, error }| {
        errors.push((word.to_owned(), error));
    });
    (errors, overrides.iter().count())
}

#[test]
fn a_cap_is_taken_away_and_what_is_below_it_stays() {
    for (word, expected) in [
        // min = 1: not implemented.
        ("arm64.nosb", "ID_AA64ISAR1_EL1.SB=0"),
        ("arm64.nopan", "ID_AA64MMFR1_EL1.PAN=0"),
        // PAN3 needs 3; PAN2 stays.
        ("arm64.nopan3", "ID_AA64MMFR1_EL1.PAN=2"),
        ("arm64.nolse", "ID_AA64ISAR0_EL1.Atomic=1"),
        ("arm64.nolse128", "ID_AA64ISAR0_EL1.Atomic=2"),
        // Signed, min = 1: 0 is 4 KiB pages with 48 bits.
        ("arm64.nolpa2", "ID_AA64MMFR0_EL1.TGran4=0"),
        ("arm64.nodic", "CTR_EL0.DIC=0"),
        // Local and boot scope are no different.
        ("arm64.nohafdbs", "ID_AA64MMFR1_EL1.HAFDBS=0"),
        ("arm64.novhe", "ID_AA64MMFR1_EL1.VH=0"),
        // Case and underscores.
        ("arm64.notlbrange", "ID_AA64ISAR0_EL1.TLB=1"),
        ("ARM64.NoTLB_Range", "ID_AA64ISAR0_EL1.TLB=1"),
        ("arm64.notlb-range", "ID_AA64ISAR0_EL1.TLB=1"),
    ] {
        assert_eq!(overrides(word), [expected], "{word}");
    }
}

#[test]
fn names_of_linux_mean_what_they_mean_there() {
    for (word, expected) in [
        ("arm64.nosve", &["ID_AA64PFR0_EL1.SVE=0"][..]),
        ("arm64.nosme", &["ID_AA64PFR1_EL1.SME=0"]),
        ("arm64.nobti", &["ID_AA64PFR1_EL1.BT=0"]),
        ("arm64.nogcs", &["ID_AA64PFR1_EL1.GCS=0"]),
        // Not 1, which would leave the instructions of MTE at EL0.
        ("arm64.nomte", &["ID_AA64PFR1_EL1.MTE=0"]),
        ("arm64.nomops", &["ID_AA64ISAR2_EL1.MOPS=0"]),
        (
            "arm64.nopauth",
            &[
                "ID_AA64ISAR1_EL1.GPI=0",
                "ID_AA64ISAR1_EL1.GPA=0",
                "ID_AA64ISAR1_EL1.API=0",
                "ID_AA64ISAR1_EL1.APA=0",
                "ID_AA64ISAR2_EL1.GPA3=0",
                "ID_AA64ISAR2_EL1.APA3=0",
            ],
        ),
    ] {
        assert_eq!(overrides(word), expected, "{word}");
    }
    // No cap of this table asks for these fields.
    for word in ["arm64.nolva", "arm64.nompam", "arm64.no32bit_el0"] {
        let expected = (vec![(word.to_owned(), UnknownWord)], 0);
        assert_eq!(errors(&TABLE, word), expected);
    }
    // With a table whose caps do, deep in their rules, they are known.
    let asks_for = |rule: &'static Rule| {
        let infos: &'static [CapInfo] =
            Box::leak(Box::new([info("X", Kind::Feature, Rule::Not(rule))]));
        CapTable::new(infos)
    };
    const VARANGE: Rule = field(&fields::ID_AA64MMFR2_EL1::VARange, 1, 15);
    const EL0: Rule = field(&fields::ID_AA64PFR0_EL1::EL0, 2, 15);
    const MPAM: Rule = field(&fields::ID_AA64PFR1_EL1::MPAM_frac, 1, 15);
    for (rule, word, count) in [
        (&Rule::Any(&[Rule::Always, VARANGE]), "arm64.nolva", 1),
        (&Rule::All(&[EL0]), "arm64.no32bit_el0", 1),
        (&MPAM, "arm64.nompam", 2),
    ] {
        assert_eq!(errors(&asks_for(rule), word), (vec![], count), "{word}");
    }
    // An erratum that looks at a field does not count.
    const ERRATUM: &[CapInfo] = &[info("X", Kind::Erratum, VARANGE)];
    let expected = (vec![("arm64.nolva".to_owned(), UnknownWord)], 0);
    assert_eq!(errors(&CapTable::new(ERRATUM), "arm64.nolva"), expected);
}

#[test]
fn fields_are_given_by_name() {
    for (word, expected) in [
        ("id_aa64isar0.atomic=0", "ID_AA64ISAR0_EL1.Atomic=0"),
        ("id_aa64isar0_el1.atomic=0x2", "ID_AA64ISAR0_EL1.Atomic=2"),
        ("ID_AA64ISAR0_EL1.Atomic=0XF", "ID_AA64ISAR0_EL1.Atomic=15"),
        ("id_aa64isar0.rndr=10", "ID_AA64ISAR0_EL1.RNDR=10"),
        ("ctr_el0.dminline=3", "CTR_EL0.DminLine=3"),
        ("ctr.idc=0", "CTR_EL0.IDC=0"),
        ("clidr.loc=7", "CLIDR_EL1.LoC=7"),
        ("dczid_el0.dzp=1", "DCZID_EL0.DZP=1"),
        // The bits of -1, and -1.
        ("id_aa64pfr0.fp=0xf", "ID_AA64PFR0_EL1.FP=-1"),
        ("id_aa64pfr0.fp=15", "ID_AA64PFR0_EL1.FP=-1"),
        ("id_aa64pfr0.fp=-1", "ID_AA64PFR0_EL1.FP=-1"),
        ("id_aa64pfr0.fp=-8", "ID_AA64PFR0_EL1.FP=-8"),
        // Without an order, the safe value.
        ("id_aa64isar1.apa=0", "ID_AA64ISAR1_EL1.APA=0"),
        ("id_aa64mmfr0.tgran4_2=1", "ID_AA64MMFR0_EL1.TGran4_2=1"),
    ] {
        assert_eq!(overrides(word), [expected], "{word}");
    }
}

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
            "MIDR_EL1 is what errata go by and cannot be overridden",
        ),
        (
            "revidr.any=0",
            Identity(REVIDR_EL1),
            "REVIDR_EL1 is what errata go by and cannot be overridden",
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
    // Errata, what is always so, and what is more than one comparison.
    for (word, name) in [
        ("arm64.noalwayssystem", "ALWAYS_SYSTEM"),
        ("arm64.noa53845719", "A53_845719"),
        ("arm64.non11542419", "N1_1542419"),
        ("arm64.nofpsimd", "FPSIMD"),
        ("arm64.nogenericauth", "GENERIC_AUTH"),
    ] {
        assert_eq!(error(word), NotOverridable(name), "{word}");
    }
}

const fn info(name: &'static str, kind: Kind, rule: Rule) -> CapInfo {
    CapInfo {
        cap: Cap::new(0, true),
        name,
        doc: "",
        scope: Scope::System,
        kind,
        rule,
        late: LatePolicy::SystemFeature,
        requires: &[],
        conflicts: &[],
    }
}

const fn field(field: &'static Field, min: i64, max: i64) -> Rule {
    Rule::Field { field, min, max }
}

/// Rules for which no value, or an unusual one, takes the cap away.
#[test]
fn odd_rules_are_overridden_where_a_safe_value_does_it() {
    use Kind::{Erratum, Feature};
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

#[test]
fn the_words_of_others_are_passed_over() {
    for line in [
        "",
        "  \t\n",
        "console=ttyAMA0 root=/dev/vda.1 quiet arm64 noarm64.lse id_rsa idle.atomic=0",
        "arm64x.nolse x.id_aa64isar0.atomic=0 i.d=0 é.x",
        "init=/bin/sh -- arm64.nolse id_aa64isar0.atomic=0 arm64.nosuchcap",
    ] {
        assert_eq!(errors(&TABLE, line), (vec![], 0), "{line}");
    }
    assert_eq!(
        overrides("quiet arm64.nosb\tctr_el0.dic=0  console=ttyAMA0"),
        ["ID_AA64ISAR1_EL1.SB=0", "CTR_EL0.DIC=0"]
    );
    // A bad word does not spoil the good ones.
    let (errors, count) = errors(&TABLE, "arm64.nosb arm64.nosuchcap ctr_el0.dic=0");
    assert_eq!((errors.len(), count), (1, 2));
}

#[test]
fn of_several_words_on_a_field_the_last_counts() {
    for (line, value) in [
        ("id_aa64isar0.atomic=0 id_aa64isar0.atomic=2", 2),
        ("arm64.nolse id_aa64isar0.atomic=2", 2),
        // But a name only ever takes away.
        ("id_aa64isar0.atomic=0 arm64.nolse128", 0),
        ("arm64.nolse arm64.nolse128", 1),
        ("arm64.nolse128 arm64.nolse", 1),
    ] {
        let expected = format!("ID_AA64ISAR0_EL1.Atomic={value}");
        assert_eq!(overrides(line), [expected], "{line}");
    }
}

#[test]
fn there_is_room_for_so_many_fields() {
    // ISAR0 has 14 fields, MMFR2 15: 29, and three more make 32.
    let words = |register: &str, fields: &'static [Field]| {
        fields
            .iter()
            .map(|field| format!("{register}.{}=0", field.name))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let nearly = format!(
        "{} {}",
        words("id_aa64isar0", ID_AA64ISAR0_EL1.fields()),
        words("id_aa64mmfr2", ID_AA64MMFR2_EL1.fields()),
    );
    assert_eq!(overrides(&nearly).len(), 29);
    let too_many = |word: &str| vec![(word.to_owned(), TooMany)];
    // Six do not fit, and none of them is left behind.
    let line = format!("{nearly} arm64.nopauth");
    assert_eq!(errors(&TABLE, &line), (too_many("arm64.nopauth"), 29));
    let full = format!("{nearly} arm64.nosb arm64.nosve arm64.nosme");
    assert_eq!(overrides(&full).len(), MAX_OVERRIDES);
    let line = format!("{full} ctr_el0.dic=0 arm64.nobti id_aa64isar0.atomic=1");
    let mut expected = too_many("ctr_el0.dic=0");
    expected.extend(too_many("arm64.nobti"));
    assert_eq!(errors(&TABLE, &line), (expected, MAX_OVERRIDES));
    assert_eq!(TooMany.to_string(), "more than 32 fields are overridden");
}

// What they do to a CPU.

fn machine(cpu: &str) -> IdRegs {
    let mut machines = machines().into_iter();
    let found = machines.find(|m| m.qemu == "10.0" && m.cpu == cpu && !m.machine.contains("mte"));
    found.unwrap().regs
}

fn apply(cmdline: &str, regs: &mut IdRegs) -> Vec<String> {
    let mut log = Vec::new();
    Overrides::parse(&TABLE, cmdline, |rejected| panic!("{rejected}"))
        .apply(regs, |applied: Applied| log.push(applied.to_string()));
    log
}

#[test]
fn a_cpu_loses_features_and_gains_none() {
    let mut a76 = machine("cortex-a76");
    let before = a76;
    let log = apply(
        "arm64.nolse id_aa64mmfr1.pan=15 ctr_el0.dminline=3 ctr_el0.cwg=5 ctr_el0.erg=0 \
         id_aa64isar0.crc32=1 id_aa64isar1.apa=0",
        &mut a76,
    );
    assert_eq!(
        log,
        [
            "ID_AA64ISAR0_EL1.Atomic: 1 instead of 2",
            "ID_AA64MMFR1_EL1.PAN: stays 2, 15 would claim more than the CPU has",
            "CTR_EL0.DminLine: 3 instead of 4",
            "CTR_EL0.CWG: 5 instead of 4",
            "CTR_EL0.ERG: 0 instead of 4",
            "ID_AA64ISAR0_EL1.CRC32: 1 already",
            "ID_AA64ISAR1_EL1.APA: 0 already",
        ]
    );
    // Measured: ISAR0 0x0000100010211120, CTR 0x8444c004. Nothing else changes.
    assert_eq!(a76.get(ID_AA64ISAR0_EL1), 0x0000_1000_1011_1120);
    assert_eq!(a76.get(CTR_EL0), 0x8503_c004);
    a76.set(ID_AA64ISAR0_EL1, before.get(ID_AA64ISAR0_EL1));
    a76.set(CTR_EL0, before.get(CTR_EL0));
    assert_eq!(a76, before);

    // 0 in CWG is "unknown", and no size is safer than that.
    let mut unknown: IdRegs = [(CTR_EL0, 0x8044_c004)].into_iter().collect();
    let log = apply("ctr_el0.cwg=9", &mut unknown);
    assert_eq!(
        log,
        ["CTR_EL0.CWG: stays 0, 9 would claim more than the CPU has"]
    );
    assert_eq!(unknown.get(CTR_EL0), 0x8044_c004);

    // Signed: -1 is less than 0 and 1.
    let mut fp: IdRegs = [(ID_AA64PFR0_EL1, 0x0011_0000)].into_iter().collect();
    assert_eq!(
        apply("id_aa64pfr0.fp=0xf", &mut fp),
        ["ID_AA64PFR0_EL1.FP: -1 instead of 1"]
    );
    assert_eq!(fp.get(ID_AA64PFR0_EL1), 0x001f_0000);
    assert_eq!(
        apply("id_aa64pfr0.fp=0", &mut fp),
        ["ID_AA64PFR0_EL1.FP: stays -1, 0 would claim more than the CPU has"]
    );
}

#[test]
fn signing_is_switched_off_whatever_the_algorithm() {
    for cpu in [
        "max",
        "max,pauth-impdef=on",
        "max,pauth-qarma3=on",
        "max,pauth-qarma5=on",
    ] {
        let mut regs = machine(cpu);
        assert!(TABLE.detect(&regs).unwrap().contains(ADDRESS_AUTH), "{cpu}");
        apply("arm64.nopauth", &mut regs);
        let caps = TABLE.detect(&regs).unwrap();
        assert!(
            !caps.contains(ADDRESS_AUTH) && !caps.contains(GENERIC_AUTH),
            "{cpu}"
        );
    }
}

/// Each cap that has a word is gone when the word is given, and what it requires stays.
#[test]
fn every_word_takes_its_cap_away() {
    let mut words = 0;
    for info in TABLE.iter() {
        let word = format!("arm64.no{}", info.name.to_lowercase().replace('_', ""));
        let overrides = Overrides::parse(&TABLE, &word, |_| ());
        if overrides.is_empty() {
            continue;
        }
        words += 1;
        for machine in machines() {
            let mut regs = machine.regs;
            overrides.apply(&mut regs, |_| ());
            let (before, after) = (
                TABLE.detect(&machine.regs).unwrap(),
                TABLE.detect(&regs).unwrap(),
            );
            assert!(!after.contains(info.cap), "{word}");
            assert!(after.is_subset(&before), "{word} on {}", machine.cpu);
            for required in info.requires {
                // These two are the same comparison, and go together.
                if info.cap != PSEUDO_NMI {
                    assert_eq!(
                        after.contains(*required),
                        before.contains(*required),
                        "{word}"
                    );
                }
            }
        }
    }
    // All features of cpucaps.toml but ALWAYS_* and the three that are more than one field.
    let features = TABLE.iter().filter(|info| info.kind == Kind::Feature);
    assert_eq!(words, features.count() - 5);
}

/// Given to all alike, overrides make CPUs fit that did not.
#[test]
fn all_cpus_agree_on_what_is_overridden() {
    let boot = |cmdline: &str| {
        let (mut a76, mut a53) = (machine("cortex-a76"), machine("cortex-a53"));
        apply(cmdline, &mut a76);
        apply(cmdline, &mut a53);
        SystemView::new(&TABLE, &a76).unwrap().add_cpu(&a53)
    };
    assert!(matches!(boot("quiet"), CpuVerdict::Panic(_)));
    assert_eq!(boot("arm64.novhe"), CpuVerdict::Ok);
}

#[test]
fn no_overrides_change_nothing() {
    let mut regs = machine("max");
    Overrides::default().apply(&mut regs, |applied| panic!("{applied}"));
    assert_eq!(regs, machine("max"));
    assert!(Overrides::none().is_empty());
}
