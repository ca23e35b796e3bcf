//! How far each form reaches from the site: to its last displacement, and no further.
//!
//! The words, and what is beyond the bounds, are an assembler's (`data/insn_words.sh`).

use std::collections::BTreeSet;
use std::mem::MaybeUninit;

use alt_runtime::cap::CapSet;
use alt_runtime::insn::{Form, Insn, MoveError, OutOfReach};
use alt_runtime::patch::{Decision, Plan, PlanError, Reason};
use alt_runtime::record::{AlternativeRecord, Condition};
use alt_runtime::region::{Region, Table, Words};

use crate::image::{A, CAPS, NOP, TEXT, atomic};

/// One instruction at every displacement of the fixture.
struct Group {
    form: &'static str,
    /// Displacement and word.
    good: Vec<(i64, u32)>,
    /// The first displacement beyond the bounds, each way.
    refused: Vec<i64>,
    text: &'static str,
}

fn groups() -> impl Iterator<Item = Group> {
    let groups = include_str!("../data/insn_words.txt").split("\n\n").skip(1);
    groups.filter_map(|lines| {
        let mut group = Group {
            form: "",
            good: Vec::new(),
            refused: Vec::new(),
            text: "",
        };
        for line in lines.lines() {
            let fields: Vec<_> = line.split('\t').collect();
            // Others have no displacement.
            let displacement = fields[1].parse().ok()?;
            match fields[0] {
                "refused" => group.refused.push(displacement),
                word => {
                    let word = u32::from_str_radix(word, 16).unwrap();
                    group.good.push((displacement, word));
                }
            }
            (group.form, group.text) = (fields[2], fields[3]);
        }
        Some(group)
    })
}

/// The new word of a site at `TEXT` whose arm is `word`, assembled at `replacement`.
fn plan(word: u32, replacement: u64) -> Result<u32, PlanError> {
    let (text, replacements) = (atomic(&[NOP]), atomic(&[word]));
    // Between the two, since both must be within 2 GiB of the record.
    let records_at = TEXT.wrapping_add_signed((replacement.wrapping_sub(TEXT) as i64) / 8 * 4);
    let offset = |to: u64, from: u64| i32::try_from(to.wrapping_sub(from) as i64).unwrap();
    let records = [AlternativeRecord {
        site: offset(TEXT, records_at),
        replacement: offset(replacement, records_at + 4),
        condition: Condition::from_bits(A.number()),
        site_len: 1,
        replacement_len: 1,
    }];
    let region = Region {
        text: Words::new(TEXT, &text).into(),
        branches: Table::new(0, &[]),
        alternatives: Table::new(records_at, &records),
        replacements: Words::new(replacement, &replacements),
        callbacks: Table::new(0, &[]),
    };
    let decision = Decision {
        table: &CAPS,
        present: &CapSet::ALL,
        decided: &CapSet::ALL,
    };
    let mut room = [MaybeUninit::uninit()];
    let plan = Plan::new(&region, decision, &mut room)?;
    Ok(plan.writes()[0].after().0)
}

/// All ways to place the arm so that the site needs `wanted`: the arm's word, and
/// where it is assembled.
fn places(group: &Group, wanted: i64) -> Vec<(u32, u64)> {
    group
        .good
        .iter()
        .filter(|&&(displacement, _)| {
            let distance = wanted - displacement;
            // Away from the site, for instructions; and the target away from the arm.
            distance.unsigned_abs() >= 4
                && distance % if group.form == "adrp" { 0x1000 } else { 4 } == 0
                && !(0..=4).contains(&displacement)
                && distance.unsigned_abs() < 1 << 32
        })
        .map(|&(displacement, word)| (word, TEXT.wrapping_add_signed(wanted - displacement)))
        .collect()
}

#[test]
fn every_form_reaches_its_last_displacement() {
    let mut forms = BTreeSet::new();
    for group in groups() {
        let ends = [
            group.good.iter().min().unwrap(),
            group.good.iter().max().unwrap(),
        ];
        for &(wanted, expected) in ends {
            let places = places(&group, wanted);
            assert!(!places.is_empty(), "{}: {wanted:+}", group.text);
            for (word, replacement) in places {
                let planned = plan(word, replacement);
                assert_eq!(planned, Ok(expected), "{}: {wanted:+}", group.text);
            }
        }
        forms.insert(group.form);
    }
    assert_eq!(forms.len(), Form::ALL.len());
}

#[test]
fn every_form_is_refused_beyond() {
    let mut forms = BTreeSet::new();
    for group in groups() {
        assert_eq!(group.refused.len(), 2, "{}: each way", group.text);
        for &wanted in &group.refused {
            let places = places(&group, wanted);
            assert!(!places.is_empty(), "{}: {wanted:+}", group.text);
            for (word, replacement) in places {
                let Err(error) = plan(word, replacement) else {
                    panic!("{}: {wanted:+}", group.text)
                };
                let Reason::CannotMove {
                    index: 0,
                    word: of,
                    error: MoveError::OutOfReach(OutOfReach { form, displacement }),
                } = error.reason
                else {
                    panic!("{}: {error}", group.text)
                };
                assert_eq!(
                    (of, form.name(), displacement),
                    (Insn(word), group.form, wanted)
                );
                assert_eq!((error.site, error.name), (TEXT, "A"));
            }
        }
        forms.insert(group.form);
    }
    assert_eq!(forms.len(), Form::ALL.len());
}
