//! Text of several ranges, some of which execute at a second address.

use std::mem::MaybeUninit;

use alt_runtime::cap::CapSet;
use alt_runtime::insn::Insn;
use alt_runtime::patch::{Decision, Plan, PlanError, Reason, check};
use alt_runtime::record::{AlternativeRecord, BranchRecord, Condition};
use alt_runtime::region::{Region, Table, Text, TextError, TextRange, Words};
use alt_runtime::{Callback, PlannedWrite, Site};

use crate::image::{A, CAPS, NOP};
use crate::memory;

/// The main text, and vectors after the data.
const TEXT: u64 = 0xffff_8000_0000_0000;
const VECTORS: u64 = TEXT + 0x20_0000;
/// Where the vectors execute as well.
const ALIAS: u64 = 0xffff_ff80_0000_0000;
const TABLES: u64 = TEXT + 0x10_0000;
const REPLACEMENTS: u64 = TEXT + 0x11_0000;
const WORDS: usize = 16;

const YIELD: u32 = 0xd503_203f;

/// `b .+distance` (Arm ARM C6.2.26).
fn b(distance: i64) -> u32 {
    0x1400_0000 | (distance / 4) as u32 & 0x3ff_ffff
}

/// `adrp x0, .+pages * 4096` (Arm ARM C6.2.13).
fn adrp(pages: i64) -> u32 {
    let imm = pages as u32;
    0x9000_0000 | (imm & 3) << 29 | (imm >> 2 & 0x7_ffff) << 5
}

/// Plans a site of one word at `site`, which becomes `arm`; the vectors also execute at `aliases`.
fn plan(site: u64, arm: u32, aliases: &[u64]) -> Result<Vec<(u32, u32)>, PlanError> {
    let record = AlternativeRecord {
        site: offset(site, TABLES),
        replacement: offset(REPLACEMENTS, TABLES + 4),
        condition: Condition::from_bits(A.number()),
        site_len: 1,
        replacement_len: 1,
    };
    with_region(&[record], &[], arm, aliases, &[], |region| {
        check(region, &CAPS)?;
        planned(region)
    })
}

fn planned(region: &Region<'_>) -> Result<Vec<(u32, u32)>, PlanError> {
    let decision = Decision {
        table: &CAPS,
        present: &CapSet::ALL,
        decided: &CapSet::ALL,
    };
    let mut room = [MaybeUninit::<PlannedWrite>::uninit(); 4];
    let plan = Plan::new(region, decision, &mut room)?;
    let writes = plan.writes().iter();
    Ok(writes
        .map(|write| (write.offset, write.after().0))
        .collect())
}

fn offset(to: u64, from: u64) -> i32 {
    i32::try_from(to.wrapping_sub(from) as i64).unwrap()
}

fn with_region<R>(
    records: &[AlternativeRecord],
    branches: &[BranchRecord],
    arm: u32,
    aliases: &[u64],
    callbacks: &[Callback],
    run: impl FnOnce(&Region<'_>) -> R,
) -> R {
    let (text, vectors, arms) = (vec![NOP; WORDS], vec![NOP; WORDS], vec![arm]);
    let ranges = [
        TextRange::new(memory::words(TEXT, &text)),
        TextRange::new(memory::words(VECTORS, &vectors)).also_at(aliases),
    ];
    run(&Region {
        text: Text::new(&ranges).unwrap(),
        branches: Table::new(TABLES, branches),
        alternatives: Table::new(TABLES, records),
        replacements: memory::words(REPLACEMENTS, &arms),
        callbacks: Table::new(TABLES + 0x1000, callbacks),
    })
}

#[test]
fn sites_of_all_ranges_are_planned_from_the_first_one() {
    assert_eq!(plan(TEXT + 8, YIELD, &[]), Ok(vec![(8, YIELD)]));
    assert_eq!(plan(VECTORS + 8, YIELD, &[]), Ok(vec![(0x20_0008, YIELD)]));
    assert_eq!(
        plan(VECTORS + 8, YIELD, &[ALIAS]),
        Ok(vec![(0x20_0008, YIELD)])
    );
}

/// The sites of an aligned range are planned, even if the other range is misaligned.
#[test]
fn a_misaligned_range_refuses_its_own_sites_only() {
    const ODD: u64 = VECTORS + 2;
    let plan = |site| {
        let record = BranchRecord {
            site: offset(site, TABLES),
            condition: Condition::from_bits(A.number()),
            displacement: 1,
        };
        let (text, vectors, arms) = (vec![NOP; WORDS], vec![NOP; WORDS], vec![]);
        let records = [record];
        let ranges = [
            TextRange::new(memory::words(TEXT, &text)),
            TextRange::new(memory::words(ODD, &vectors)),
        ];
        let region = Region {
            text: Text::new(&ranges).unwrap(),
            branches: Table::new(TABLES, &records),
            alternatives: Table::new(TABLES, &[]),
            replacements: memory::words(REPLACEMENTS, &arms),
            callbacks: Table::new(TABLES + 0x1000, &[]),
        };
        planned(&region)
    };
    assert_eq!(plan(TEXT + 8), Ok(vec![(8, b(4))]));
    let error = plan(ODD + 8).unwrap_err();
    assert_eq!(
        (error.site, error.reason),
        (ODD + 8, Reason::MisalignedSite)
    );
}

#[test]
fn a_site_between_the_ranges_is_outside() {
    for site in [
        TEXT + 4 * WORDS as u64,
        VECTORS - 4,
        VECTORS + 4 * WORDS as u64,
    ] {
        let error = plan(site, YIELD, &[]).unwrap_err();
        let reason = Reason::SiteOutsideText {
            len: 1,
            start: TEXT,
            end: VECTORS + 4 * WORDS as u64,
        };
        assert_eq!((error.site, error.reason), (site, reason));
        let text = error.to_string();
        assert!(
            text.ends_with("0xffff800000000000 to 0xffff800000200040"),
            "{text}"
        );
    }
}

/// A branch from the vectors into the main text is right at one address of theirs only.
#[test]
fn arms_do_not_leave_a_range_that_executes_elsewhere() {
    let site = VECTORS + 8;
    let away = |target: u64| b(target.wrapping_sub(REPLACEMENTS) as i64);
    let page = |target: u64| adrp(((target >> 12) as i64) - ((REPLACEMENTS >> 12) as i64));
    // Re-aimed: from the site, forward or back to the target.
    let at_site = |target: u64| b(target.wrapping_sub(site) as i64);
    for target in [TEXT, TEXT + 0x30_0000] {
        for arm in [away(target), page(target)] {
            let error = plan(site, arm, &[ALIAS]).unwrap_err();
            let Reason::LeavesAliasedRange {
                index: 0,
                target: found,
                alias: ALIAS,
                ..
            } = error.reason
            else {
                panic!("{error}");
            };
            assert_eq!((error.site, found), (site, target));
            assert!(plan(site, arm, &[]).is_ok(), "it executes at one address");
        }
    }
    // Within the range, and of a page of it.
    assert_eq!(
        plan(site, away(VECTORS), &[ALIAS]),
        Ok(vec![(0x20_0008, at_site(VECTORS))])
    );
    assert_eq!(
        plan(site, page(VECTORS), &[ALIAS]),
        Ok(vec![(0x20_0008, adrp(0))])
    );
    // From the main text to the vectors is another matter.
    assert!(plan(TEXT + 8, away(VECTORS), &[ALIAS]).is_ok());
}

#[test]
fn branches_and_callbacks_do_not_leave_it_either() {
    // -2 MiB is out of a branch record's reach, so the range's neighbour is the next word.
    let (text, next) = (vec![NOP; WORDS], vec![NOP; WORDS]);
    let behind = TEXT + 4 * WORDS as u64;
    let branches = [BranchRecord {
        site: offset(TEXT + 8, TABLES),
        condition: Condition::from_bits(A.number()),
        displacement: WORDS as i16,
    }];
    let refused = |aliases: &[u64]| {
        let ranges = [
            TextRange::new(memory::words(TEXT, &text)).also_at(aliases),
            TextRange::new(memory::words(behind, &next)),
        ];
        let region = Region {
            text: Text::new(&ranges).unwrap(),
            branches: Table::new(TABLES, &branches),
            alternatives: Table::new(0, &[]),
            replacements: Words::new(0, &[]),
            callbacks: Table::new(0, &[]),
        };
        check(&region, &CAPS).and(planned(&region))
    };
    assert_eq!(refused(&[]), Ok(vec![(8, b(4 * WORDS as i64))]));
    let reason = Reason::LeavesAliasedRange {
        index: 0,
        word: Insn(b(4 * WORDS as i64)),
        target: behind + 8,
        alias: ALIAS,
    };
    assert_eq!(refused(&[ALIAS]).unwrap_err().reason, reason);

    let far = |_: &Site<'_>, words: &mut [Insn]| {
        words[0] = Insn(b(0x1_0000));
        Ok(())
    };
    let callbacks = [Callback::new("FAR", far)];
    let record = AlternativeRecord {
        site: offset(VECTORS, TABLES),
        replacement: offset(TABLES + 0x1000, TABLES + 4),
        condition: Condition::from_bits(A.number() | 1 << 15),
        site_len: 1,
        replacement_len: 1,
    };
    let with = |aliases: &[u64]| with_region(&[record], &[], NOP, aliases, &callbacks, planned);
    assert_eq!(with(&[]), Ok(vec![(0x20_0000, b(0x1_0000))]));
    let error = with(&[ALIAS]).unwrap_err();
    assert!(
        matches!(error.reason, Reason::LeavesAliasedRange { .. }),
        "{error}"
    );
}

#[test]
fn ranges_must_make_a_text() {
    let words = vec![NOP; WORDS];
    let range = |address| TextRange::new(memory::words(address, &words));
    let error = |ranges: &[TextRange<'_>]| Text::new(ranges).map(|_| ()).unwrap_err();
    let end = 4 * WORDS as u64;
    assert_eq!(error(&[]), TextError::Empty);
    assert_eq!(
        error(&[range(VECTORS), range(TEXT)]),
        TextError::Order { address: TEXT }
    );
    assert_eq!(
        error(&[range(TEXT), range(TEXT + end - 4)]),
        TextError::Order {
            address: TEXT + end - 4
        }
    );
    assert!(Text::new(&[range(TEXT), range(TEXT + end)]).is_ok());
    let far = TEXT + (1 << 32);
    assert!(Text::new(&[range(TEXT), range(far - end)]).is_ok());
    assert_eq!(
        error(&[range(TEXT), range(far - end + 4)]),
        TextError::TooLong {
            address: far - end + 4
        }
    );
    let odd = [ALIAS + 4];
    assert_eq!(
        error(&[range(TEXT).also_at(&odd)]),
        TextError::Alias {
            address: TEXT,
            alias: ALIAS + 4
        }
    );
    // A text may end at the top of the address space.
    let top = 0u64.wrapping_sub(end);
    let ranges = [range(top - 0x1000), range(top)];
    let text = Text::new(&ranges).unwrap();
    assert_eq!(text.range(), top - 0x1000..0);
    assert_eq!(text.get(u64::MAX - 3), Some(Insn(NOP)));
    assert_eq!(text.get(top - 4), None);
}
