//! The packed form of a table decides as the rules from which it is made.

use alt_runtime::cap::{
    Cap, CapInfo, CapKind, CapSet, CapTable, IdRegs, LatePolicy, Leaf, MidrRange, RevidrFix,
    Revision, Rule, Scope, idregs::Register,
};
use proptest::prelude::*;

const FIRST: &[Cap] = &[Cap::new(0, false)];

fn info(number: usize, rule: Rule) -> CapInfo {
    CapInfo {
        cap: Cap::new(number as u16, !number.is_multiple_of(5)),
        name: ["A", "", "LONGER_NAME"][number % 3],
        doc: "",
        scope: Scope::ALL[number % 3],
        kind: CapKind::ALL[number % 2],
        rule,
        late: LatePolicy::ALL[number % 7],
        requires: [&[][..], FIRST][number % 2],
        conflicts: &[],
    }
}

fn has_long_lines(regs: &IdRegs) -> bool {
    regs.get(Register::CTR_EL0) >> 16 & 15 > 4
}

fn revision() -> impl Strategy<Value = Revision> {
    (0..16u8, 0..16u8).prop_map(|(variant, revision)| Revision::new(variant, revision))
}

prop_compose! {
    fn range()(
        model in prop::sample::select(vec![(0x41, 0xd03), (0x41, 0xd0b), (0x51, 0x800), (0, 0)]),
        (from, to, fixed_in) in (revision(), revision(), revision()),
        fixed in prop::option::of(0..64u8),
    ) -> MidrRange {
        MidrRange {
            implementer: model.0,
            part: model.1,
            from: from.min(to),
            to: from.max(to),
            fixed: fixed.map(|bit| RevidrFix { revision: fixed_in, bit }),
        }
    }
}

fn leaf() -> impl Strategy<Value = Rule> {
    let field = (
        prop::sample::select(Register::ALL),
        any::<prop::sample::Index>(),
    );
    let field = field.prop_filter_map("without fields", |(register, index)| {
        let fields = register.fields();
        (!fields.is_empty()).then(|| index.get(fields))
    });
    let bounds = (-3..20i64, -3..20i64, any::<[bool; 2]>());
    prop_oneof![
        Just(Rule::Always),
        Just(Rule::Custom {
            name: "has_long_lines",
            test: has_long_lines
        }),
        prop::collection::vec(range(), 0..4).prop_map(|ranges| Rule::Midr(ranges.leak())),
        (field, bounds).prop_map(|(field, (a, b, open))| Rule::Field {
            field,
            min: if open[0] { i64::MIN } else { a.min(b) },
            max: if open[1] { i64::MAX } else { a.max(b) },
        }),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    leaf().prop_recursive(6, 24, 4, |rule| {
        let rules = prop::collection::vec(rule.clone(), 0..4);
        prop_oneof![
            rules.clone().prop_map(|rules| Rule::Any(rules.leak())),
            rules.prop_map(|rules| Rule::All(rules.leak())),
            rule.prop_map(|rule| Rule::Not(Box::leak(Box::new(rule)))),
        ]
    })
}

/// Registers with small values in their fields, and models that the ranges know.
fn registers() -> impl Strategy<Value = IdRegs> {
    let words = prop::collection::vec(any::<u64>(), Register::COUNT);
    let model = prop::option::of((
        prop::sample::select(vec![0x410f_d030u64, 0x410f_d0b0, 0x510f_8000, 0]),
        revision(),
    ));
    (words, any::<u64>(), model).prop_map(|(words, mask, model)| {
        let pairs = Register::ALL.iter().copied().zip(words);
        let mut regs: IdRegs = pairs
            .map(|(register, word)| (register, word & mask))
            .collect();
        if let Some((midr, Revision { variant, revision })) = model {
            let revision = u64::from(variant) << 20 | u64::from(revision);
            regs.set(Register::MIDR_EL1, midr & !0xf0_000f | revision);
        }
        regs
    })
}

/// The tests of a rule, as texts.
fn leaves(rule: &Rule, texts: &mut Vec<String>) {
    rule.for_each_leaf(&mut |leaf| match leaf {
        Rule::Always => texts.push("always".into()),
        Rule::Field { field, min, max } => {
            let (min, max) = (*min.max(&field.min_value()), *max.min(&field.max_value()));
            texts.push(match min <= max {
                true => format!("{field} {min} {max}"),
                false => format!("{field} never"),
            });
        }
        Rule::Midr(ranges) => texts.extend(ranges.iter().map(|range| format!("{range:?}"))),
        Rule::Custom { name, .. } => texts.push((*name).into()),
        _ => unreachable!("no leaf"),
    });
}

proptest! {
    #[test]
    fn decides_as_the_tree(rules in prop::collection::vec(rule(), 1..12), regs in registers()) {
        let infos: Vec<CapInfo> =
            rules.iter().enumerate().map(|(number, &rule)| info(number, rule)).collect();
        let table = CapTable::new(&infos);
        prop_assert_eq!(table.iter().len(), infos.len());
        let mut expected = CapSet::new();
        for (entry, info) in table.iter().zip(&infos) {
            prop_assert_eq!(entry.cap, info.cap);
            prop_assert_eq!(
                (entry.name, entry.scope, entry.kind, entry.late),
                (info.name, info.scope, info.kind, info.late)
            );
            prop_assert!(entry.requires.iter().eq(info.requires.iter().copied()));
            prop_assert_eq!(entry.rule.matches(&regs), info.rule.matches(&regs), "{:?}", info.rule);
            prop_assert_eq!(
                entry.rule.evidence(&regs).to_string(),
                info.rule.evidence(&regs).to_string(),
                "{:?}", info.rule
            );
            if info.rule.matches(&regs) {
                expected.insert(info.cap);
            }
            let (mut packed, mut tree) = (Vec::new(), Vec::new());
            leaves(&info.rule, &mut tree);
            entry.rule.for_each_leaf(&mut |leaf| packed.push(match leaf {
                Leaf::Always => "always".to_owned(),
                Leaf::Field { field, min, .. } if min > field.max_value() => {
                    format!("{field} never")
                }
                Leaf::Field { field, min, max } => format!("{field} {min} {max}"),
                Leaf::Range(range) => format!("{range:?}"),
                Leaf::Custom { name } => name.to_owned(),
                _ => unreachable!("no other"),
            }));
            prop_assert_eq!(packed, tree);
        }
        // What cap 0, which is impossible, would be required for is absent.
        expected = infos
            .iter()
            .filter(|info| info.requires.is_empty())
            .map(|info| info.cap)
            .filter(|cap| expected.contains(*cap))
            .collect();
        prop_assert_eq!(table.detect(&regs), Ok(expected));
        for info in &infos {
            prop_assert_eq!(table.cpu_has(info.cap, &regs), expected.contains(info.cap));
        }
    }
}

#[test]
#[should_panic = "nested more than 8 levels deep"]
fn a_rule_that_is_too_deep_is_refused() {
    let mut rule = Rule::Always;
    for _ in 0..9 {
        rule = Rule::Any(vec![rule].leak());
    }
    let _ = CapTable::new(&[info(0, rule)]);
}

#[test]
fn eight_levels_are_evaluated() {
    let mut rule = Rule::Not(&Rule::Always);
    for _ in 0..8 {
        rule = Rule::All(vec![Rule::Always, rule].leak());
    }
    let table = CapTable::new(&[info(0, rule), info(1, Rule::Not(Box::leak(Box::new(rule))))]);
    let matches = |number| table.get(number).unwrap().rule.matches(&IdRegs::new());
    assert!(!matches(0) && matches(1));
}
