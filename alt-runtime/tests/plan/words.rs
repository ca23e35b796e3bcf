//! The arm that a plan selects for a site, and the words that the site gets.
//!
//! The expected words are what GNU as 2.40 gives for the text beside them.

use core::mem::MaybeUninit;

use alt_runtime::cap::CapSet;
use alt_runtime::patch::{Decision, Plan};
use alt_runtime::record::{BranchRecord, Condition};
use alt_runtime::region::{Region, Table, Words};

use crate::image::{A, AND, B, C, CAPS, Image, LIKELY, NOP, NOT, REPLACEMENTS, TEXT, atomic};

/// mov x0, #1 … mov x0, #4
const ONE: u32 = 0xd280_0020;
const TWO: u32 = 0xd280_0040;
const THREE: u32 = 0xd280_0060;
const FOUR: u32 = 0xd280_0080;

#[test]
fn unlikely_branch_becomes_b() {
    let mut image = Image::new();
    image.branch(TEXT + 8, 0, 3).branch(TEXT + 0x20, 0, -8);
    let (writes, report) = image.plan(&[A]).unwrap();
    // b .+12; b .-32
    assert_eq!(
        writes,
        [
            (TEXT + 8, NOP, 0x1400_0003),
            (TEXT + 0x20, NOP, 0x17ff_fff8)
        ]
    );
    assert_eq!(
        (
            report.branches,
            report.applied,
            report.rewritten,
            report.words
        ),
        (2, 2, 2, 2)
    );
    assert_eq!(image.plan(&[B]).unwrap().0, []);
}

#[test]
fn likely_branch_becomes_nop() {
    let mut image = Image::new();
    image.text[2] = 0x1400_0003; // b .+12
    image.branch(TEXT + 8, LIKELY, 3);
    assert_eq!(image.plan(&[A]).unwrap().0, [(TEXT + 8, 0x1400_0003, NOP)]);
    assert_eq!(image.plan(&[]).unwrap().0, []);
}

#[test]
fn negated_condition_holds_when_the_cap_is_absent() {
    let mut image = Image::new();
    image.branch(TEXT, NOT, 1);
    assert_eq!(image.plan(&[A]).unwrap().0, []);
    assert_eq!(image.plan(&[]).unwrap().0, [(TEXT, NOP, 0x1400_0001)]);
}

#[test]
fn first_arm_that_holds_wins() {
    // A => 1, B & !C => 2, C => 3, B => 4
    let mut image = Image::new();
    image.alternative(TEXT, 0, 1, &[ONE]);
    image
        .alternative(TEXT, 1 | AND, 1, &[TWO])
        .record(TEXT, REPLACEMENTS + 4, 2 | NOT, 1, 1);
    image.alternative(TEXT, 2, 1, &[THREE]);
    image.alternative(TEXT, 1, 1, &[FOUR]);
    for (caps, word) in [
        (&[][..], NOP),
        (&[A], ONE),
        (&[B], TWO),
        (&[C], THREE),
        (&[A, B, C], ONE),
        (&[B, C], THREE),
        (&[A, B], ONE),
    ] {
        assert_eq!(image.patched(caps).unwrap()[0], word, "{caps:?}");
    }
    // Several arms, one site, one write.
    let (writes, report) = image.plan(&[A, B, C]).unwrap();
    assert_eq!(
        (writes.len(), report.sites(), report.alternatives),
        (1, 1, 1)
    );
}

#[test]
fn either_of_two_conditions_is_enough() {
    // A | B => 1: two records of one replacement
    let mut image = Image::new();
    image
        .alternative(TEXT, 0, 1, &[ONE])
        .record(TEXT, REPLACEMENTS, 1, 1, 1);
    for (caps, word) in [(&[][..], NOP), (&[A], ONE), (&[B], ONE), (&[A, B], ONE)] {
        assert_eq!(image.patched(caps).unwrap()[0], word, "{caps:?}");
    }
}

#[test]
fn few_words_of_padding_are_nops() {
    let mut image = Image::new();
    image.text[..4].copy_from_slice(&[ONE, TWO, THREE, FOUR]);
    image.alternative(TEXT, 0, 4, &[FOUR]);
    assert_eq!(
        image.patched(&[A]).unwrap()[..5],
        [FOUR, NOP, NOP, NOP, NOP]
    );
}

#[test]
fn much_padding_is_branched_over() {
    let mut image = Image::new();
    image.text[..6].fill(ONE);
    image.alternative(TEXT, 0, 6, &[TWO]);
    // b .+20, which is the end of the site
    assert_eq!(
        image.patched(&[A]).unwrap()[..7],
        [TWO, 0x1400_0005, NOP, NOP, NOP, NOP, NOP]
    );
}

#[test]
fn a_site_may_have_255_instructions() {
    let mut image = Image::new();
    image.text = vec![ONE; 255];
    image.room = 255;
    image.alternative(TEXT, 0, 255, &[TWO; 255]);
    assert_eq!(image.patched(&[A]).unwrap(), [TWO; 255]);
}

#[test]
fn targets_inside_and_at_the_end_move_along() {
    let mut image = Image::new();
    // cbz x0, .+8; b .-4; b .+4, which is the end
    image.alternative(TEXT + 0x40, 0, 3, &[0xb400_0040, 0x17ff_ffff, 0x1400_0001]);
    assert_eq!(
        image.patched(&[A]).unwrap()[16..19],
        [0xb400_0040, 0x17ff_ffff, 0x1400_0001]
    );
}

#[test]
fn outside_targets_keep_their_address() {
    let mut image = Image::new();
    // Assembled at REPLACEMENTS: bl TEXT; adrp x0, TEXT; adrp x1, TEXT + 0x7ff00000;
    // ldr x2, [x1]
    let words = [0x97f4_0000, 0x90ff_e800, 0x903f_e001, 0xf940_0022];
    image.alternative(TEXT + 0x40, 0, 4, &words);
    // The same text, assembled at TEXT + 0x40.
    let expected = [0x97ff_fff0, 0x9000_0000, 0x903f_f801, 0xf940_0022];
    assert_eq!(image.patched(&[A]).unwrap()[16..20], expected);
}

#[test]
fn second_pass_changes_nothing() {
    let mut image = Image::new();
    image.text[2] = 0x1400_0003; // b .+12
    image.branch(TEXT, 0, 1).branch(TEXT + 8, LIKELY, 3);
    image.alternative(TEXT + 0x40, 0, 2, &[ONE]);
    // One of whose words only the second one changes.
    image.alternative(TEXT + 0x50, 0, 2, &[NOP, TWO]);
    let (writes, first) = image.plan(&[A]).unwrap();
    assert_eq!((writes.len(), first.applied, first.rewritten), (4, 4, 4));
    image.text = image.patched(&[A]).unwrap();
    let (writes, second) = image.plan(&[A]).unwrap();
    assert_eq!(writes, []);
    assert_eq!((second.applied, second.rewritten, second.words), (4, 0, 0));
}

#[test]
fn writes_are_in_address_order_over_both_tables() {
    let mut image = Image::new();
    image.branch(TEXT + 8, 0, 1).branch(TEXT + 0x30, 0, 1);
    image.alternative(TEXT, 0, 1, &[ONE]);
    image.alternative(TEXT + 0x10, 0, 2, &[ONE, TWO]);
    image.alternative(TEXT + 0x40, 0, 1, &[ONE]);
    let addresses: Vec<u64> = image
        .plan(&[A])
        .unwrap()
        .0
        .iter()
        .map(|w| w.0 - TEXT)
        .collect();
    assert_eq!(addresses, [0, 8, 0x10, 0x14, 0x30, 0x40]);
}

#[test]
fn census_counts_by_cap() {
    let mut image = Image::new();
    image.branch(TEXT, 0, 1).branch(TEXT + 8, 1, 1);
    // A => 1, B => 2
    image
        .alternative(TEXT + 0x10, 0, 1, &[ONE])
        .alternative(TEXT + 0x10, 1, 1, &[TWO]);
    let census = image.census(&[B]).unwrap();
    let counts = [A, B, C]
        .map(|cap| census.get(cap.number()))
        .map(|n| (n.sites, n.patched));
    assert_eq!(counts, [(2, 0), (2, 2), (0, 0)]);
    // The alternative has two cpucaps, and is one site.
    let total = census.total();
    assert_eq!((total.sites, total.patched), (3, 2));
}

#[test]
fn part_of_the_text_has_its_own_records() {
    let mut image = Image::new();
    image
        .branch(TEXT, 0, 1)
        .branch(TEXT + 8, 1, 1)
        .branch(TEXT + 0x20, 0, 1);
    image
        .alternative(TEXT + 0x10, 0, 1, &[ONE])
        .alternative(TEXT + 0x10, 1, 1, &[TWO])
        .alternative(TEXT + 0x24, 0, 1, &[ONE]);
    let sites = |from: u64, to: u64| {
        let part = image.region().within(TEXT + from..TEXT + to);
        let branches = part.branches.iter().map(|(at, r)| r.site_address(at));
        let alternatives = part.alternatives.iter().map(|(at, r)| r.site_address(at));
        let offsets = branches.chain(alternatives).map(|site| site - TEXT);
        offsets.collect::<Vec<_>>()
    };
    assert_eq!(sites(0, 0x100), [0, 8, 0x20, 0x10, 0x10, 0x24]);
    assert_eq!(sites(4, 0x24), [8, 0x20, 0x10, 0x10]);
    assert_eq!(sites(8, 0x10), [8]);
    assert_eq!(sites(0x10, 0x11), [0x10, 0x10]);
    assert!(sites(0x24, 0x24).is_empty());
    assert!(sites(0x25, 0x100).is_empty());
    // Backwards.
    assert!(sites(0x24, 0x10).is_empty());
}

#[test]
fn empty_tables_plan_nothing() {
    let (writes, report) = Image::new().plan(&[A, B, C]).unwrap();
    assert_eq!((writes.len(), report), (0, Default::default()));
}

#[test]
fn a_pass_leaves_what_is_not_decided_to_a_later_one() {
    let mut image = Image::new();
    image.branch(TEXT, 0, 1).branch(TEXT + 8, 1, 1);
    // A => 1, B => 2: B may win where A does not.
    image
        .alternative(TEXT + 0x10, 0, 1, &[ONE])
        .alternative(TEXT + 0x10, 1, 1, &[TWO]);
    let (writes, report) = image.plan_pass(&[A, B], &[A]).unwrap();
    assert_eq!(writes, [(TEXT, NOP, 0x1400_0001)]);
    assert_eq!((report.applied, report.pending, report.sites()), (1, 2, 3));
    // What is not decided is not absent either.
    image.branch(TEXT + 0x18, 1 | NOT, 1);
    assert_eq!(image.plan_pass(&[], &[A]).unwrap().0, []);
    // The last pass decides all, and finds the first one's work done.
    image.text[0] = 0x1400_0001;
    let (writes, report) = image.plan(&[A, B]).unwrap();
    assert_eq!(
        writes.iter().map(|w| w.0 - TEXT).collect::<Vec<_>>(),
        [8, 0x10]
    );
    assert_eq!(
        (report.applied, report.rewritten, report.pending),
        (3, 2, 0)
    );
}

/// The last site of a text that ends at the top of the address space.
#[test]
fn text_may_end_at_the_top() {
    let text = 0u64.wrapping_sub(8);
    let at = text.wrapping_sub(0x1000);
    let branches = [BranchRecord {
        site: 0x1004,
        condition: Condition::from_bits(0),
        displacement: -1,
    }];
    let words = atomic(&[NOP, NOP]);
    let region = Region {
        text: Words::new(text, &words).into(),
        branches: Table::new(at, &branches),
        alternatives: Table::new(0, &[]),
        replacements: Words::new(0, &[]),
        callbacks: Table::new(0, &[]),
    };
    let decision = Decision {
        table: &CAPS,
        present: &CapSet::ALL,
        decided: &CapSet::ALL,
    };
    let mut room = [MaybeUninit::uninit(); 1];
    let plan = Plan::new(&region, decision, &mut room).unwrap();
    // b .-4
    let writes = plan.writes().iter().map(|w| (w.offset, w.after().0));
    assert_eq!(writes.collect::<Vec<_>>(), [(4, 0x17ff_ffff)]);
}
