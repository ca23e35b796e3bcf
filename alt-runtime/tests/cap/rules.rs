//! Rules, evidence, sets and tables of cpucaps.

use alt_runtime::cap::{
    Cap, CapInfo, CapSet, CapTable, DetectError, IdRegs, MAX_CAPS, MidrRange, RevidrFix, Revision,
    Rule, Scope,
    idregs::{
        Register::{self, *},
        fields,
    },
};

fn regs<const N: usize>(pairs: [(Register, u64); N]) -> IdRegs {
    pairs.into_iter().collect()
}

const ATOMIC: Rule = Rule::Field {
    field: &fields::ID_AA64ISAR0_EL1::Atomic,
    min: 2,
    max: 3,
};
const VHE: Rule = Rule::Field {
    field: &fields::ID_AA64MMFR1_EL1::VH,
    min: 1,
    max: 15,
};
const FP: Rule = Rule::Field {
    field: &fields::ID_AA64PFR0_EL1::FP,
    min: 0,
    max: 7,
};

#[test]
fn a_field_must_lie_between_min_and_max() {
    for (value, expected) in [
        (0, false),
        (1, false),
        (2, true),
        (3, true),
        (4, false),
        (15, false),
    ] {
        let regs = regs([(ID_AA64ISAR0_EL1, value << 20)]);
        assert_eq!(ATOMIC.matches(&regs), expected, "{value}");
    }
}

#[test]
fn a_signed_field_of_all_ones_is_less_than_zero() {
    let with = |value: u64| regs([(ID_AA64PFR0_EL1, value << 16)]);
    assert!(FP.matches(&with(0)));
    assert!(FP.matches(&with(1)));
    assert!(!FP.matches(&with(15)));
    assert_eq!(FP.evidence(&with(15)).to_string(), "ID_AA64PFR0_EL1.FP=-1");
}

/// Cortex-A53 r0p1 to r1p4, fixed in r0p4 when REVIDR_EL1\[8\] is set.
const A53: MidrRange = MidrRange {
    implementer: 0x41,
    part: 0xd03,
    from: Revision::new(0, 1),
    to: Revision::new(1, 4),
    fixed: Some(RevidrFix {
        revision: Revision::new(0, 4),
        bit: 8,
    }),
};

#[test]
fn midr_evidence_names_the_registers_that_decided() {
    const RULE: Rule = Rule::Midr(&[A53]);
    let text = |midr, revidr| {
        RULE.evidence(&regs([(MIDR_EL1, midr), (REVIDR_EL1, revidr)]))
            .to_string()
    };
    assert_eq!(text(0x410f_d034, 0), "MIDR_EL1=0x410fd034");
    assert_eq!(
        text(0x410f_d034, 0x180),
        "MIDR_EL1=0x410fd034 fixed by REVIDR_EL1=0x180"
    );
    assert_eq!(text(0x414f_d0b1, 0x180), "MIDR_EL1=0x414fd0b1");
}

#[test]
fn any_all_and_not_combine() {
    const ANY: Rule = Rule::Any(&[ATOMIC, VHE]);
    const ALL: Rule = Rule::All(&[ATOMIC, VHE]);
    const NOT: Rule = Rule::Not(&VHE);
    let cpu = |atomic: u64, vh: u64| {
        regs([
            (ID_AA64ISAR0_EL1, atomic << 20),
            (ID_AA64MMFR1_EL1, vh << 8),
        ])
    };
    for (atomic, vh, any, all, not) in [
        (0, 0, false, false, true),
        (2, 0, true, false, true),
        (0, 1, true, false, false),
        (2, 1, true, true, false),
    ] {
        let regs = cpu(atomic, vh);
        let found = (ANY.matches(&regs), ALL.matches(&regs), NOT.matches(&regs));
        assert_eq!(found, (any, all, not), "{atomic} {vh}");
    }
    // The first that decided; if none did, the first.
    assert_eq!(
        ANY.evidence(&cpu(0, 1)).to_string(),
        "ID_AA64MMFR1_EL1.VH=1"
    );
    assert_eq!(
        ANY.evidence(&cpu(0, 0)).to_string(),
        "ID_AA64ISAR0_EL1.Atomic=0"
    );
    assert_eq!(
        ALL.evidence(&cpu(2, 0)).to_string(),
        "ID_AA64MMFR1_EL1.VH=0"
    );
    assert_eq!(
        ALL.evidence(&cpu(2, 1)).to_string(),
        "ID_AA64ISAR0_EL1.Atomic=2"
    );
    assert_eq!(
        NOT.evidence(&cpu(0, 1)).to_string(),
        "ID_AA64MMFR1_EL1.VH=1"
    );
}

#[test]
fn always_holds_and_the_empty_lists_are_neutral() {
    let none = IdRegs::new();
    assert!(Rule::Always.matches(&none));
    assert_eq!(Rule::Always.evidence(&none).to_string(), "always");
    assert!(!Rule::Any(&[]).matches(&none));
    assert!(Rule::All(&[]).matches(&none));
}

#[test]
fn a_custom_rule_asks_its_function() {
    fn has_big_lines(regs: &IdRegs) -> bool {
        regs.field(&fields::CTR_EL0::DminLine) > 4
    }
    const RULE: Rule = Rule::Custom {
        name: "has_big_lines",
        test: has_big_lines,
    };
    let a64fx = regs([(CTR_EL0, 0x8666_8006)]);
    let a53 = regs([(CTR_EL0, 0x8444_8004)]);
    assert!(RULE.matches(&a64fx) && !RULE.matches(&a53));
    assert_eq!(RULE.evidence(&a64fx).to_string(), "has_big_lines()=true");
    assert_eq!(RULE.evidence(&a53).to_string(), "has_big_lines()=false");
}

const fn cap(number: u16) -> Cap {
    Cap::new(number, true)
}

#[test]
fn sets_hold_every_number_and_nothing_else() {
    let mut set = CapSet::EMPTY;
    for number in [0, 63, 64, 255] {
        assert!(!set.contains(cap(number)));
        set.insert(cap(number));
        assert!(set.contains(cap(number)) && set.contains_number(number));
    }
    assert_eq!(
        set.iter().map(Cap::number).collect::<Vec<_>>(),
        [0, 63, 64, 255]
    );
    assert_eq!((set.len(), set.iter().len()), (4, 4));
    assert_eq!(format!("{set:?}"), "{0, 63, 64, 255}");
    // 256 would have the bit of 0.
    assert!(!set.contains_number(MAX_CAPS as u16) && !set.contains_number(u16::MAX));
    set.remove(cap(63));
    assert_eq!(set, [cap(0), cap(64), cap(255)].into_iter().collect());
    set.insert(Cap::new(9, false));
    assert!(!set.contains_number(9), "an impossible cap was let in");
}

#[test]
fn sets_combine() {
    let a: CapSet = [cap(1), cap(70), cap(200)].into_iter().collect();
    let b: CapSet = [cap(70), cap(201)].into_iter().collect();
    let numbers = |set: CapSet| set.iter().map(Cap::number).collect::<Vec<_>>();
    assert_eq!(numbers(a.intersect(&b)), [70]);
    assert_eq!(numbers(a.union(&b)), [1, 70, 200, 201]);
    assert_eq!(numbers(a.difference(&b)), [1, 200]);
    assert!(a.intersect(&b).is_subset(&a) && !a.is_subset(&b));
    assert!(CapSet::new().is_empty() && !a.is_empty());
}

#[test]
#[should_panic = "cpucap number out of range"]
fn a_number_out_of_range_is_refused() {
    let _ = Cap::new(MAX_CAPS as u16, true);
}

const BASE: CapInfo = CapInfo::new(cap(0), "A");

#[test]
fn requirements_are_followed_to_the_end() {
    // A requires B requires C requires D, which is absent; E requires nothing.
    static TABLE: CapTable = alt_runtime::cap_table!(&[
        CapInfo {
            requires: &[cap(1)],
            ..BASE
        },
        CapInfo {
            cap: cap(1),
            name: "B",
            requires: &[cap(2)],
            ..BASE
        },
        CapInfo {
            cap: cap(2),
            name: "C",
            requires: &[cap(3)],
            ..BASE
        },
        CapInfo {
            cap: cap(3),
            name: "D",
            rule: ATOMIC,
            ..BASE
        },
        CapInfo {
            cap: cap(4),
            name: "E",
            scope: Scope::Boot,
            ..BASE
        },
        CapInfo {
            cap: Cap::new(5, false),
            name: "F",
            ..BASE
        },
    ]);
    let numbers = |regs: &IdRegs| {
        TABLE
            .detect(regs)
            .unwrap()
            .iter()
            .map(Cap::number)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&IdRegs::new()), [4]);
    assert_eq!(
        numbers(&regs([(ID_AA64ISAR0_EL1, 0x20_0000)])),
        [0, 1, 2, 3, 4]
    );

    assert_eq!((TABLE.len(), TABLE.is_empty()), (6, false));
    assert_eq!((TABLE.name(3), TABLE.name(6)), (Some("D"), None));
    assert_eq!(TABLE.get(4).unwrap().cap, cap(4));
    assert_eq!(TABLE.of_scope(Scope::Boot), CapSet::EMPTY.with(cap(4)));
}

#[test]
fn a_conflict_names_both_caps() {
    static TABLE: CapTable = alt_runtime::cap_table!(&[
        CapInfo {
            conflicts: &[cap(1)],
            ..BASE
        },
        CapInfo {
            cap: cap(1),
            name: "B",
            rule: ATOMIC,
            ..BASE
        },
        // Absent, so it excludes nothing.
        CapInfo {
            cap: cap(2),
            name: "C",
            rule: VHE,
            conflicts: &[cap(0)],
            ..BASE
        },
    ]);
    assert_eq!(TABLE.detect(&IdRegs::new()), Ok(CapSet::EMPTY.with(cap(0))));
    let error = TABLE
        .detect(&regs([(ID_AA64ISAR0_EL1, 0x20_0000)]))
        .unwrap_err();
    assert_eq!(
        error,
        DetectError::Conflict {
            cap: cap(0),
            name: "A",
            other: cap(1),
            other_name: "B"
        }
    );
    assert_eq!(
        error.to_string(),
        "cpucaps A and B are both present and exclude each other"
    );
}

#[test]
#[should_panic = "is not its index"]
fn a_misnumbered_table_is_refused() {
    const ENTRIES: &[CapInfo] = &[CapInfo {
        cap: cap(1),
        ..BASE
    }];
    let _ = CapTable::new(ENTRIES);
}
