//! A B in a replacement, at the edges: of the replacements, of the text, and of its reach.
//!
//! The words are computed here: B is `0b000101` and a displacement of 26 bits in instructions
//! (Arm ARM C6.2).

use std::mem::MaybeUninit;
use std::ops::Range;

use alt_runtime::cap::CapSet;
use alt_runtime::insn::{Form, Insn, MoveError, OutOfReach};
use alt_runtime::patch::{Decision, Plan, PlanError, Reason};
use alt_runtime::record::{AlternativeRecord, Condition};
use alt_runtime::region::{Region, Table, Words};

use crate::image::{A, CAPS, NOP, TEXT, atomic};

const WORDS: u64 = 64;
const SITE: u64 = TEXT + 0x40;
/// Another site, whose cpucap is absent.
const LATER: u64 = TEXT + 0x80;
const RECORDS: u64 = TEXT + 0x1000;
/// The first displacement that a B has not.
const REACH: i64 = 1 << 27;
/// Arms of one instruction.
const ARMS: u64 = 3;

fn branch(displacement: i64) -> Option<u32> {
    let reaches = (-REACH..REACH).contains(&displacement) && displacement % 4 == 0;
    reaches.then_some(0x1400_0000 | (displacement / 4) as u32 & 0x03ff_ffff)
}

/// What the arm at `from` becomes at the site, if it is a B to `target`.
fn expected(replacements: &Range<u64>, from: u64, target: u64) -> Result<u32, Reason> {
    let word = branch(target.wrapping_sub(from) as i64).unwrap();
    if (from..=from + 4).contains(&target) {
        // Within the arm, its end included, which is that of the site then.
        return Ok(word);
    }
    let (index, word) = (0, Insn(word));
    if replacements.contains(&target) {
        return Err(Reason::TargetsReplacements {
            index,
            word,
            target,
        });
    }
    let displacement = target.wrapping_sub(SITE) as i64;
    let error = MoveError::OutOfReach(OutOfReach {
        form: Form::B,
        displacement,
    });
    branch(displacement).ok_or(Reason::CannotMove { index, word, error })
}

/// What the plan makes of it, in a table of so many records.
fn planned(start: u64, from: u64, word: u32, records: usize) -> Result<u32, PlanError> {
    let (text, mut arms) = ([NOP; WORDS as usize], [NOP; ARMS as usize]);
    arms[((from - start) / 4) as usize] = word;
    let record = |index: u64, site: u64, cap| {
        let at = RECORDS + 12 * index;
        AlternativeRecord {
            site: site.wrapping_sub(at) as i32,
            replacement: from.wrapping_sub(at + 4) as i32,
            condition: Condition::from_bits(cap),
            site_len: 1,
            replacement_len: 1,
        }
    };
    let table = [record(0, SITE, 0), record(1, LATER, 1)];
    let (text, arms) = (atomic(&text), atomic(&arms));
    let region = Region {
        text: Words::new(TEXT, &text).into(),
        branches: Table::new(0, &[]),
        alternatives: Table::new(RECORDS, &table[..records]),
        replacements: Words::new(start, &arms),
        callbacks: Table::new(0, &[]),
    };
    let decision = Decision {
        table: &CAPS,
        present: &[A].into_iter().collect(),
        decided: &CapSet::ALL,
    };
    let mut room = [MaybeUninit::uninit(); 2];
    let plan = Plan::new(&region, decision, &mut room)?;
    let [write] = plan.writes() else {
        panic!("{:?}", plan.writes());
    };
    assert_eq!(u64::from(write.offset), SITE - TEXT);
    Ok(write.after().0)
}

#[test]
fn branch_of_an_arm_at_all_edges() {
    let (mut good, mut inside, mut beyond) = (0, 0, 0);
    for start in [
        TEXT + 0x30_0000,
        TEXT + 4 * WORDS,
        TEXT - 4 * ARMS,
        // From there, a B goes further in one direction than from the site.
        TEXT + (1 << 26),
        TEXT - (1 << 26),
    ] {
        let end = start + 4 * ARMS;
        for from in (start..end).step_by(4) {
            let edges = [start, end, from, TEXT, TEXT + 4 * WORDS, SITE];
            let near = edges.into_iter().flat_map(|edge| {
                (-3..=3).map(move |words: i64| edge.wrapping_add_signed(4 * words))
            });
            let far = [SITE, from].into_iter().flat_map(|origin| {
                [-REACH - 4, -REACH, -REACH + 4, REACH - 8, REACH - 4, REACH]
                    .map(|distance| origin.wrapping_add_signed(distance))
            });
            for target in near.chain(far) {
                let Some(word) = branch(target.wrapping_sub(from) as i64) else {
                    continue;
                };
                let expected = expected(&(start..end), from, target);
                match expected {
                    Ok(_) => good += 1,
                    Err(Reason::TargetsReplacements { .. }) => inside += 1,
                    Err(_) => beyond += 1,
                }
                // The last record of a table is looked at closely, those before it briefly.
                for records in [1, 2] {
                    let planned = planned(start, from, word, records);
                    assert_eq!(
                        planned.map_err(|error| error.reason),
                        expected,
                        "{from:#x} to {target:#x}, replacements from {start:#x}, {records} records"
                    );
                }
            }
        }
    }
    assert!(
        good > 300 && inside > 50 && beyond > 20,
        "{good} {inside} {beyond}"
    );
}
