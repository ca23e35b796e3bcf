//! Tables of many records: most are passed over by a brief look, so faults are put in
//! their midst, and plans are compared with what a plain evaluation of the arms gives.

use std::mem::MaybeUninit;

use alt_runtime::PlannedWrite;
use alt_runtime::cap::Cap;
use alt_runtime::patch::{Decision, Plan, PlanError, Reason};

use crate::image::{A, AND, B, C, CAPS as CAP_TABLE, Change, Image, NOP, NOT, TEXT, change, set};
use crate::other_address::seen;

const ONE: u32 = 0xd280_0020; // mov x0, #1
const WORDS: u64 = 4096;

fn long_text() -> Image {
    let mut image = Image::new();
    image.text = vec![NOP; WORDS as usize];
    image.room = WORDS as usize;
    image
}

/// A record that is not as it should be.
#[derive(Clone, Copy, Default)]
struct Fault {
    site: Option<u64>,
    condition: u16,
    len: Option<u8>,
}

const SITES: u64 = 40;

fn site(index: u64) -> u64 {
    TEXT + 32 * index
}

/// Branches and alternatives of two instructions in turn; one of them is wrong.
fn with_fault(index: u64, fault: Fault) -> Image {
    let mut image = long_text();
    for i in 0..SITES {
        let fault = if i == index { fault } else { Fault::default() };
        let site = fault.site.unwrap_or(site(i));
        if i % 2 == 0 {
            image.branch(site, fault.condition, 1);
        } else {
            image.alternative(site, fault.condition, fault.len.unwrap_or(2), &[ONE, ONE]);
        }
    }
    image
}

fn assert_refused(index: u64, fault: Fault, reason: Reason) {
    let image = with_fault(index, fault);
    let cap = fault.condition & 0x1fff;
    let expected = PlanError {
        site: fault.site.unwrap_or(site(index)),
        cap,
        name: if cap == 0 { "A" } else { "unknown" },
        reason,
    };
    for present in [&[A][..], &[]] {
        assert_eq!(image.plan(present), Err(expected), "record {index}");
    }
    assert_eq!(image.check(), Err(expected), "record {index}");
}

#[test]
fn sound_table_is_planned() {
    let image = with_fault(SITES, Fault::default());
    let (writes, report) = image.plan(&[A]).unwrap();
    assert_eq!((writes.len(), report.applied), (20 + 40, 40));
    assert_eq!((report.branches, report.alternatives), (20, 20));
    assert_eq!(image.plan(&[]).unwrap().0, []);
    let (writes, report) = image.plan_pass(&[A], &[B]).unwrap();
    assert_eq!((writes.len(), report.pending), (0, 40));
}

#[test]
fn places_are_checked_in_the_midst() {
    for index in 4..SITES {
        let at = |site| Fault {
            site: Some(site),
            ..Fault::default()
        };
        for odd in 1..4 {
            assert_refused(index, at(site(index) + odd), Reason::MisalignedSite);
        }
        let len = 1 + (index % 2) as u8;
        let outside = Reason::SiteOutsideText {
            len,
            start: TEXT,
            end: TEXT + 4 * WORDS,
        };
        assert_refused(index, at(TEXT + 4 * WORDS), outside);
        assert_refused(index, at(TEXT - 4), outside);
        // That of the record before in the same table.
        let previous = site(index - 2);
        assert_refused(index, at(previous - 8), Reason::Unsorted { previous });
        let previous = site(index - 1);
        assert_refused(index, at(previous), Reason::Overlap { previous });
        if index % 2 == 0 {
            assert_refused(index, at(previous + 4), Reason::Overlap { previous });
        } else {
            let fault = Fault {
                len: Some(0),
                ..Fault::default()
            };
            assert_refused(index, fault, Reason::ZeroLength);
        }
    }
}

#[test]
fn conditions_are_checked_in_the_midst() {
    for index in 0..SITES {
        for (condition, reason) in [
            (3, Reason::UnknownCap),
            (0xff, Reason::UnknownCap),
            // Above every number that a cpucap can have: 0 in their low bits.
            (0x100, Reason::UnknownCap),
            (0x1f00, Reason::UnknownCap),
            (AND, Reason::DanglingAnd),
        ] {
            let fault = Fault {
                condition,
                ..Fault::default()
            };
            assert_refused(index, fault, reason);
        }
    }
}

#[test]
fn arms_of_one_site_agree_on_its_length_in_the_midst() {
    for lens in [(2, 1), (1, 2)] {
        let mut image = long_text();
        for i in 0..8 {
            image.alternative(site(i), 0, 2, &[ONE]);
        }
        image.alternative(site(8), 0, lens.0, &[ONE]);
        image.alternative(site(8), 0, lens.1, &[ONE]);
        image.alternative(site(9), 0, 2, &[ONE]);
        let (first, other) = lens;
        for present in [&[A][..], &[]] {
            let error = image.plan(present).unwrap_err();
            assert_eq!(error.site, site(8));
            assert_eq!(error.reason, Reason::LengthsDiffer { first, other });
        }
    }
}

/// Numbers without a pattern.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

const CAPS: [Cap; 3] = [A, B, C];

/// The terms of an arm: which cap, and whether it has to be absent.
fn terms(numbers: &mut Numbers) -> Vec<(usize, bool)> {
    // Most arms have one term, not negated, as in a kernel.
    let count = if numbers.below(5) == 0 { 2 } else { 1 };
    (0..count)
        .map(|_| (numbers.below(3) as usize, numbers.below(6) == 0))
        .collect()
}

#[test]
fn plan_is_what_the_arms_say() {
    for seed in 0..200 {
        let mut numbers = Numbers(seed);
        let present: Vec<Cap> = CAPS.into_iter().filter(|_| numbers.below(2) == 0).collect();
        let decided: Vec<Cap> = CAPS.into_iter().filter(|_| numbers.below(4) != 0).collect();
        let mut image = long_text();
        let (mut expected, mut pending, mut applied) = (Vec::<Change>::new(), 0, 0);
        let (mut site, mut word) = (TEXT, 0);
        for _ in 0..60 {
            site += 4 * numbers.below(6);
            let len = 1 + numbers.below(3);
            let is_branch = numbers.below(2) == 0;
            let count = if numbers.below(4) == 0 { 3 } else { 1 };
            let arms: Vec<_> = (0..count).map(|_| terms(&mut numbers)).collect();
            let mut winner = None;
            for arm in &arms {
                word += 1;
                // mov x0, #n; or a B that goes n words further
                let new = if is_branch {
                    0x1400_0000 | word
                } else {
                    0xd280_0000 | word << 5
                };
                for (i, &(cap, negated)) in arm.iter().enumerate() {
                    let and = if i + 1 < arm.len() { AND } else { 0 };
                    let condition = cap as u16 | and | if negated { NOT } else { 0 };
                    if is_branch {
                        image.branch(site, condition, word as i16);
                    } else {
                        image.alternative(site, condition, len as u8, &vec![new; len as usize]);
                    }
                }
                let holds =
                    |&(cap, negated): &(usize, bool)| present.contains(&CAPS[cap]) != negated;
                if winner.is_none() && arm.iter().all(holds) {
                    winner = Some(new);
                }
            }
            let len = if is_branch { 1 } else { len };
            let known = |&(cap, _): &(usize, bool)| decided.contains(&CAPS[cap]);
            if !arms.iter().flatten().all(known) {
                pending += 1;
            } else if let Some(new) = winner {
                applied += 1;
                expected.extend((0..len).map(|i| (site + 4 * i, NOP, new)));
            }
            site += 4 * len;
        }
        let (writes, report) = image.plan_pass(&present, &decided).unwrap();
        assert_eq!(writes, expected, "seed {seed}");
        assert_eq!((report.pending, report.applied), (pending, applied));
        assert_eq!(report.sites(), 60, "seed {seed}");

        // Where the text ends at the top of the address space, each site is looked at closely.
        let region = seen(&image, 0u64.wrapping_sub(4 * WORDS));
        let decision = Decision {
            table: &CAP_TABLE,
            present: &set(&present),
            decided: &set(&decided),
        };
        let mut room = vec![MaybeUninit::<PlannedWrite>::uninit(); image.room];
        let plan = Plan::new(&region, decision, &mut room).unwrap();
        let closely: Vec<_> = plan.writes().iter().map(change).collect();
        assert_eq!((closely, plan.report()), (writes, report), "seed {seed}");
    }
}

/// The room has one entry for each record, and the rest is for the further words of sites. With any
/// size of it, the plan is the same or the room is too small.
#[test]
fn every_size_of_room() {
    let mut image = with_fault(SITES, Fault::default());
    // Of these, only the last word changes.
    for i in SITES..SITES + 4 {
        image.alternative(site(i), 0, 3, &[NOP, NOP, ONE]);
    }
    let (all, report) = image.plan(&[A]).unwrap();
    assert_eq!((all.len(), report.words), (20 + 40 + 4, 64));
    // Four sites have two words more that do not change.
    let needed = all.len() + 2 * 4;
    for room in 0..all.len() + 50 {
        image.room = room;
        let result = image.plan(&[A]);
        match all.get(room) {
            None => assert_eq!(result.unwrap(), (all.clone(), report), "{room}"),
            Some(&(next, ..)) => {
                let error = result.unwrap_err();
                assert_eq!(error.site, next / 32 * 32, "{room}");
                assert_eq!(error.reason, Reason::PlanTooSmall { room, needed });
            }
        }
        assert_eq!(image.plan(&[]).unwrap().0, []);
    }
}

/// The brief look ends in front of the last record of each table. Wherever that seems to be, and
/// whether or not there is another table, no record is met that is not there.
#[test]
fn last_record_ends_the_brief_look_wherever_it_is() {
    for last in (TEXT - 8..TEXT + 64).chain(TEXT + 4 * WORDS - 8..TEXT + 4 * WORDS + 8) {
        let mut branches = long_text();
        let mut alternatives = long_text();
        for i in 0..2 {
            branches.branch(TEXT + 8 * i, 0, 1);
            alternatives.alternative(TEXT + 8 * i, 0, 2, &[ONE, ONE]);
        }
        branches.branch(last, 0, 1);
        alternatives.alternative(last, 0, 2, &[ONE, ONE]);
        let is_place =
            |len: u64| last.is_multiple_of(4) && last >= TEXT && last <= TEXT + 4 * (WORDS - len);
        // A site may also have several arms, of which the first wins.
        let behind = last == TEXT + 8 || last >= TEXT + 12;
        let plan = branches.plan(&[A]);
        // The last word of the text has no next one.
        let target = last != TEXT + 4 * (WORDS - 1);
        assert_eq!(plan.is_ok(), is_place(1) && behind && target, "{last:#x}");
        let plan = alternatives.plan(&[A]);
        let behind = last == TEXT + 8 || last >= TEXT + 16;
        assert_eq!(plan.is_ok(), is_place(2) && behind, "{last:#x}");
    }
}
