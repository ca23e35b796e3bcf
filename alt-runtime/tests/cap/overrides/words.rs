//! The fields and values that each word overrides.

use alt_runtime::cap::{
    CapInfo, CapKind, CapTable, MAX_OVERRIDES,
    OverrideError::{TooMany, UnknownWord},
    Rule,
    idregs::{Field, Register::*, fields},
};

use super::fixture::{errors, field, info, overrides};
use crate::cpucaps::TABLE;

#[test]
fn a_cap_is_removed_and_lower_versions_stay() {
    for (word, expected) in [
        // min = 1: not implemented.
        ("arm64.nosb", "ID_AA64ISAR1_EL1.SB=0"),
        ("arm64.nopan", "ID_AA64MMFR1_EL1.PAN=0"),
        // PAN3 needs 3; PAN2 stays.
        ("arm64.nopan3", "ID_AA64MMFR1_EL1.PAN=2"),
        ("arm64.nolse", "ID_AA64ISAR0_EL1.Atomic=1"),
        ("arm64.nolse128", "ID_AA64ISAR0_EL1.Atomic=2"),
        // Signed, min = 1: 0 is 4 KiB pages with 48 bits.
        ("arm64.nova52", "ID_AA64MMFR0_EL1.TGran4=0"),
        // Of several conditions, the first becomes false.
        ("arm64.nolpa2", "ID_AA64MMFR0_EL1.TGran4=0"),
        ("arm64.nocnp", "ID_AA64MMFR2_EL1.CnP=0"),
        ("arm64.nofpsimd", "ID_AA64PFR0_EL1.FP=-1"),
        ("arm64.nodic", "CTR_EL0.DIC=0"),
        // Local and boot scope make no difference.
        ("arm64.nohafdbs", "ID_AA64MMFR1_EL1.HAFDBS=0"),
        ("arm64.nohvhe", "ID_AA64MMFR1_EL1.VH=0"),
        // Case and underscores.
        ("arm64.notlbrange", "ID_AA64ISAR0_EL1.TLB=1"),
        ("ARM64.NoTLB_Range", "ID_AA64ISAR0_EL1.TLB=1"),
        ("arm64.notlb-range", "ID_AA64ISAR0_EL1.TLB=1"),
        ("arm64.no-lse", "ID_AA64ISAR0_EL1.Atomic=1"),
        ("arm64.no_lse", "ID_AA64ISAR0_EL1.Atomic=1"),
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
    // No cap of this table tests these fields.
    for word in ["arm64.nolva", "arm64.nompam", "arm64.no32bit_el0"] {
        let expected = (vec![(word.to_owned(), UnknownWord)], 0);
        assert_eq!(errors(&TABLE, word), expected);
    }
    // They are known with a table whose caps test them, also in nested rules.
    let asks_for = |rule: &'static Rule| {
        let infos: &'static [CapInfo] =
            Box::leak(Box::new([info("X", CapKind::Feature, Rule::Not(rule))]));
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
    // An erratum that tests a field does not count.
    const ERRATUM: &[CapInfo] = &[info("X", CapKind::Erratum, VARANGE)];
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
        // Dashes and underscores are equivalent, in registers and in fields.
        ("id-aa64isar0.atomic=0", "ID_AA64ISAR0_EL1.Atomic=0"),
        ("id-aa64isar0-el1.atomic=0", "ID_AA64ISAR0_EL1.Atomic=0"),
        ("ID-AA64ISAR0_EL1.Atomic=0", "ID_AA64ISAR0_EL1.Atomic=0"),
        ("ctr-el0.idc=0", "CTR_EL0.IDC=0"),
        ("id_aa64pfr1.csv2-frac=0", "ID_AA64PFR1_EL1.CSV2_frac=0"),
        ("id-aa64mmfr0.tgran4-2=1", "ID_AA64MMFR0_EL1.TGran4_2=1"),
        ("id_aa64dfr0.pmuver=0", "ID_AA64DFR0_EL1.PMUVer=0"),
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
fn other_words_are_skipped() {
    for line in [
        "",
        "  \t\n",
        "console=ttyAMA0 root=/dev/vda.1 quiet arm64 noarm64.lse id_rsa idle.atomic=0",
        "arm64x.nolse x.id_aa64isar0.atomic=0 i.d=0 é.x el0.x=1 é_el1 _el1=2",
        "\"quoted words\" of=\"others\" arm64=x id_rsa=/id midr ctr_x",
        "init=/bin/sh -- arm64.nolse id_aa64isar0.atomic=0 arm64.nosuchcap",
    ] {
        assert_eq!(errors(&TABLE, line), (vec![], 0), "{line}");
    }
    assert_eq!(
        overrides("quiet arm64.nosb\tctr_el0.dic=0  console=ttyAMA0"),
        ["ID_AA64ISAR1_EL1.SB=0", "CTR_EL0.DIC=0"]
    );
    // A bad word does not affect the good ones.
    let (errors, count) = errors(&TABLE, "arm64.nosb arm64.nosuchcap ctr_el0.dic=0");
    assert_eq!((errors.len(), count), (1, 2));
}

#[test]
fn the_last_word_on_a_field_counts() {
    for (line, value) in [
        ("id_aa64isar0.atomic=0 id_aa64isar0.atomic=2", 2),
        ("arm64.nolse id_aa64isar0.atomic=2", 2),
        // But `arm64.no` only removes.
        ("id_aa64isar0.atomic=0 arm64.nolse128", 0),
        ("arm64.nolse arm64.nolse128", 1),
        ("arm64.nolse128 arm64.nolse", 1),
    ] {
        let expected = format!("ID_AA64ISAR0_EL1.Atomic={value}");
        assert_eq!(overrides(line), [expected], "{line}");
    }
}

#[test]
fn at_most_32_fields_are_overridden() {
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
    // Six do not fit, and none of them is added.
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
