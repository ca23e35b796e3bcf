//! The expansion of `cpucaps!` for each form of an entry.

#![deny(missing_docs)]

use alt_runtime::cap::{
    CapEntry, CapKind, IdRegs, LatePolicy, Leaf, MidrRange, RevidrFix, Revision, Scope,
    idregs::{Register, fields},
};

/// The constants and the table.
pub mod cpucaps {
    alt_runtime::cpucaps!("tests/data/cap_forms.toml");
}
use cpucaps::*;

fn has_long_lines(regs: &IdRegs) -> bool {
    regs.field(&fields::CTR_EL0::DminLine) > 4
}

fn info(number: u16) -> CapEntry {
    TABLE.get(number).unwrap()
}

#[test]
fn the_place_in_the_file_is_the_number() {
    let caps = [
        ALWAYS, IMPOSSIBLE, POSSIBLE, RANGE, CPUS, NESTED, LINKED, LSE,
    ];
    let names = [
        "ALWAYS",
        "IMPOSSIBLE",
        "POSSIBLE",
        "RANGE",
        "CPUS",
        "NESTED",
        "LINKED",
        "LSE",
    ];
    assert_eq!(TABLE.len(), caps.len());
    for (number, (cap, name)) in (0..).zip(caps.into_iter().zip(names)) {
        assert_eq!(cap.number(), number, "{name}");
        assert_eq!((info(number).cap, info(number).name), (cap, name));
    }
}

#[test]
fn cfg_decides_what_is_possible() {
    let impossible: Vec<&str> = TABLE
        .iter()
        .filter(|info| !info.cap.is_possible())
        .map(|info| info.name)
        .collect();
    assert_eq!(impossible, ["IMPOSSIBLE"]);
}

#[test]
fn scope_kind_and_policy_are_taken_over() {
    let facts = |number| (info(number).scope, info(number).kind, info(number).late);
    assert_eq!(
        facts(0),
        (Scope::Boot, CapKind::Feature, LatePolicy::StrictBootFeature)
    );
    assert_eq!(
        facts(1),
        (Scope::System, CapKind::Feature, LatePolicy::SystemFeature)
    );
    assert_eq!(
        facts(4),
        (Scope::Local, CapKind::Erratum, LatePolicy::LocalErratum)
    );
    assert_eq!(
        facts(5),
        (
            Scope::Local,
            CapKind::Feature,
            LatePolicy::EarlyLocalFeature
        )
    );
}

fn leaves(number: u16) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    info(number)
        .rule
        .for_each_leaf(&mut |leaf| leaves.push(leaf));
    leaves
}

#[test]
fn rules_are_taken_over() {
    assert!(matches!(leaves(0)[..], [Leaf::Always]));
    assert!(matches!(
        leaves(3)[..],
        [Leaf::Field {
            field: &fields::ID_AA64PFR0_EL1::FP,
            min: -1,
            max: 0
        }]
    ));
    let ranges: Vec<MidrRange> = leaves(4)
        .into_iter()
        .map(|leaf| match leaf {
            Leaf::Range(range) => range,
            other => panic!("{other:?}"),
        })
        .collect();
    let a53 = MidrRange {
        implementer: 0x41,
        part: 0xd03,
        from: Revision::new(0, 1),
        to: Revision::new(0, 4),
        fixed: Some(RevidrFix {
            revision: Revision::new(0, 4),
            bit: 8,
        }),
    };
    let falkor = MidrRange {
        implementer: 0x51,
        part: 0x800,
        from: Revision::new(0, 0),
        to: Revision::new(15, 15),
        fixed: None,
    };
    assert_eq!(ranges, [a53, falkor]);
}

#[test]
fn nested_rules_decide_and_give_evidence() {
    let decide = |implementer: u64, ctr: u64| {
        let regs: IdRegs = [
            (Register::MIDR_EL1, implementer << 24),
            (Register::CTR_EL0, ctr),
        ]
        .into_iter()
        .collect();
        (
            info(5).rule.matches(&regs),
            info(5).rule.evidence(&regs).to_string(),
        )
    };
    assert_eq!(
        decide(0x46, 0x8666_8006),
        (false, "MIDR_EL1.Implementer=70".to_owned())
    );
    assert!(decide(0x41, 0x8666_8006).0);
    assert!(decide(0x41, 0xb444_c004).0);
    assert_eq!(
        decide(0x41, 0x8444_c004),
        (false, "super::has_long_lines()=false".to_owned())
    );
}

#[test]
fn links_are_taken_over() {
    let links = |number| {
        let info = info(number);
        (
            Vec::from_iter(info.requires.iter()),
            Vec::from_iter(info.conflicts.iter()),
        )
    };
    assert_eq!(links(6), (vec![CPUS], vec![NESTED]));
    assert_eq!(links(0), (vec![], vec![]));
}
