//! Words against what assemblers make of them: `data/insn_words.sh` writes the expectations.

use std::collections::BTreeSet;

use alt_runtime::insn::{Class, Form, Insn, MoveError, OutOfReach, Relative};

/// Where the first word of a pair is imagined to stand: both halves of the address space, and
/// both ends of it. The low twelve bits matter to ADRP.
const ADDRESSES: [u64; 5] = [
    0,
    0x4008_0ffc,
    0xffff_8000_1020_3040,
    0xffff_ffff_ffff_fffc,
    0x7fff_ffff_ffff_f004,
];

struct Line {
    word: Option<u32>,
    displacement: Option<i64>,
    form: &'static str,
    text: &'static str,
}

/// The groups of `data/insn_words.txt`.
fn groups() -> Vec<Vec<Line>> {
    include_str!("data/insn_words.txt")
        .split("\n\n")
        .skip(1)
        .map(|group| group.lines().map(parse).collect())
        .collect()
}

fn parse(line: &'static str) -> Line {
    let fields: Vec<_> = line.split('\t').collect();
    let &[word, displacement, form, text] = &fields[..] else {
        panic!("four fields: {line:?}")
    };
    Line {
        word: (word != "refused").then(|| u32::from_str_radix(word, 16).unwrap()),
        displacement: (displacement != "-").then(|| displacement.parse().unwrap()),
        form,
        text,
    }
}

/// A group of relative words: the form, what was assembled at which displacement, and the
/// displacements that were refused.
type RelativeGroup = (&'static str, Vec<(Insn, i64)>, Vec<i64>);

fn relative_groups() -> Vec<RelativeGroup> {
    groups()
        .into_iter()
        .filter(|lines| lines[0].displacement.is_some())
        .map(|lines| {
            let (mut good, mut refused) = (Vec::new(), Vec::new());
            for line in &lines {
                let displacement = line.displacement.unwrap();
                match line.word {
                    Some(word) => good.push((Insn(word), displacement)),
                    None => refused.push(displacement),
                }
            }
            (lines[0].form, good, refused)
        })
        .collect()
}

#[test]
fn classify_reads_the_assembled_displacement() {
    for line in groups().iter().flatten() {
        let Some(word) = line.word else { continue };
        let class = Insn(word).classify();
        match (class, line.displacement) {
            (Class::Relative(Relative { form, displacement }), Some(expected)) => {
                assert_eq!(
                    (form.to_string().as_str(), displacement),
                    (line.form, expected),
                    "{}",
                    line.text
                );
            }
            (Class::NotRelative, None) if line.form == "plain" => {}
            (Class::SignsPc, None) if line.form == "signs-pc" => {}
            _ => panic!("{}: {class:?}", line.text),
        }
    }
}

#[test]
fn relocate_gives_the_word_assembled_at_the_new_place() {
    for (form, good, _) in relative_groups() {
        for &(insn, displacement) in &good {
            for &(expected, wanted) in &good {
                for from in ADDRESSES {
                    // The further the instruction moves up, the shorter the way to its target.
                    let to = from.wrapping_add_signed(displacement - wanted);
                    assert_eq!(
                        insn.relocate(from, to),
                        Ok(expected),
                        "{form}: {displacement:+} to {wanted:+} at {from:#x}"
                    );
                }
            }
        }
    }
}

#[test]
fn relocate_refuses_what_the_assembler_refuses() {
    for (name, good, refused) in relative_groups() {
        assert_eq!(refused.len(), 2, "{name}: one bound each way");
        for &(insn, displacement) in &good {
            for &needed in &refused {
                for from in ADDRESSES {
                    let to = from.wrapping_add_signed(displacement - needed);
                    let Err(MoveError::OutOfReach(error)) = insn.relocate(from, to) else {
                        panic!("{name}: {displacement:+} to {needed:+} was not refused")
                    };
                    assert_eq!((error.form.name(), error.displacement), (name, needed));
                }
            }
        }
    }
}

#[test]
fn reach_ends_where_the_assembler_refuses() {
    for (name, good, refused) in relative_groups() {
        let form = *Form::ALL
            .iter()
            .find(|form| form.name() == name)
            .expect("a known form");
        let reach = form.reach();
        let displacements = || good.iter().map(|&(_, displacement)| displacement);
        assert_eq!(Some(reach.min), displacements().min(), "{name}");
        assert_eq!(Some(reach.max), displacements().max(), "{name}");
        assert!(
            displacements().all(|displacement| reach.contains(displacement)),
            "{name}"
        );
        for displacement in refused {
            assert!(!reach.contains(displacement), "{name}: {displacement:+}");
        }
    }
}

#[test]
fn every_form_is_assembled() {
    let assembled: BTreeSet<_> = relative_groups().iter().map(|&(form, ..)| form).collect();
    let known: BTreeSet<_> = Form::ALL.iter().map(|form| form.name()).collect();
    assert_eq!(assembled, known);
}

#[test]
fn words_that_sign_with_their_address_do_not_move() {
    let groups = groups();
    let signing: Vec<_> = groups
        .iter()
        .flatten()
        .filter(|line| line.form == "signs-pc")
        .collect();
    assert_eq!(signing.len(), 5);
    for line in signing {
        let insn = Insn(line.word.unwrap());
        assert_eq!(
            insn.relocate(0x1000, 0x2000),
            Err(MoveError::SignsPc(insn)),
            "{}",
            line.text
        );
    }
}

#[test]
fn plain_words_move_unchanged() {
    let groups = groups();
    let plain: Vec<_> = groups
        .iter()
        .flatten()
        .filter(|line| line.form == "plain")
        .collect();
    assert!(plain.len() > 50);
    for line in plain {
        let insn = Insn(line.word.unwrap());
        for from in ADDRESSES {
            assert_eq!(insn.relocate(from, !from), Ok(insn), "{}", line.text);
        }
    }
}

#[test]
fn branch_is_the_assembled_branch() {
    let (_, good, refused) = relative_groups()
        .into_iter()
        .find(|(form, ..)| *form == "b")
        .unwrap();
    for from in ADDRESSES {
        for &(insn, displacement) in &good {
            assert_eq!(
                Insn::branch(from, from.wrapping_add_signed(displacement)),
                Ok(insn)
            );
        }
        for &displacement in refused.iter().chain(&[1, 2, -3]) {
            assert_eq!(
                Insn::branch(from, from.wrapping_add_signed(displacement)),
                Err(OutOfReach {
                    form: Form::B,
                    displacement
                })
            );
        }
    }
}

#[test]
fn nop_is_the_assembled_nop() {
    let groups = groups();
    let nop = groups
        .iter()
        .flatten()
        .find(|line| line.text == "nop")
        .unwrap();
    assert_eq!(Some(Insn::NOP.0), nop.word);
}

#[test]
fn concurrently_modifiable_is_the_list_of_the_manual() {
    let mut seen = BTreeSet::new();
    for line in include_str!("data/insn_concurrent.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fields: Vec<_> = line.split('\t').collect();
        let &[word, expected, text] = &fields[..] else {
            panic!("three fields: {line:?}")
        };
        let insn = Insn(u32::from_str_radix(word, 16).unwrap());
        assert_eq!(insn.concurrently_modifiable(), expected == "yes", "{text}");
        seen.insert(expected);
    }
    assert_eq!(seen, BTreeSet::from(["no", "yes"]));
}
