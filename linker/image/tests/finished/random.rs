//! Tables made at random: sites of every kind, conditions of one to three terms.

use std::sync::atomic::AtomicU32;

use alt_runtime::patch::Reason;
use alt_runtime::region::{Region, Text, TextRange, Words};
use fastrand::Rng;

use crate::image::{AND, Image, LIKELY, NOP, NOT, TEXT, compare, pass};

/// An image with a text of so many words.
pub fn image(seed: u64, len: usize) -> Image {
    let mut random = Rng::with_seed(seed);
    let mut text: Vec<u32> = (0..len)
        .map(|_| 0xd280_0000 | random.u32(..) & 0x1f_ffff)
        .collect();
    let mut sites = Vec::new();
    let mut at = random.usize(0..9);
    while at + 60 < len {
        let words = [1, 1, 1, 2, 4, 9][random.usize(0..6)];
        sites.push((at, words));
        at += words + random.usize(0..12);
    }
    // The words of all sites first, since the image copies the text.
    let branch = |distance: i16| 0x1400_0000 | distance as u32 & 0x03ff_ffff;
    let kinds: Vec<(u8, i16)> = sites
        .iter()
        .map(|_| (random.u8(0..6), random.i16(1..40)))
        .collect();
    for ((at, words), (kind, distance)) in sites.iter().zip(&kinds) {
        match (kind, words) {
            (0, 1) => text[*at] = branch(*distance),
            (1, 1) => text[*at] = NOP,
            _ => {}
        }
    }
    let mut image = Image::new(&text);
    for ((at, words), (kind, distance)) in sites.into_iter().zip(kinds) {
        for _ in 0..random.usize(1..4) {
            let terms = random.usize(1..4);
            for left in (0..terms).rev() {
                let and = if left > 0 { AND } else { 0 };
                let term = random.u16(0..4) | (random.u16(0..2) * NOT) | and;
                let len = words as u8;
                let new: Vec<u32> = (0..random.usize(1..=words))
                    .map(|_| 0xd2a0_0000 | random.u32(0..3))
                    .collect();
                match (kind, words) {
                    (0, 1) => image.branch(at, term | LIKELY, distance),
                    (1, 1) => image.branch(at, term, distance),
                    (2, _) => image.callback(at, term, len, at % 2),
                    (3, _) => image.nops(at, term, len),
                    _ => image.alternative(at, term, len, &new),
                }
            }
        }
    }
    image
}

#[test]
fn every_pass_equals_the_raw_one() {
    for seed in 0..25 {
        compare(&image(seed, 600));
    }
}

#[test]
fn the_same_records_give_the_same_table() {
    assert_eq!(image(3, 600).finish(), image(3, 600).finish());
}

#[test]
fn a_text_of_two_ranges_has_the_same_words() {
    let image = image(5, 400);
    let table = image.finish().words;
    for present in 0..16 {
        let raw = image.raw(|region| pass(region, 0b1111, present, 0));
        let finished = image.finished(&table, |region| {
            // The first range has no site, so all are found in the second one.
            let other = [AtomicU32::new(NOP)];
            let first = TextRange::new(Words::new(TEXT - 0x1000, &other));
            let ranges = [first, TextRange::new(Words::new(TEXT, &image.text))];
            let text = Text::new(&ranges).unwrap();
            pass(&Region { text, ..*region }, 0b1111, present, 0)
        });
        let moved = raw.map(|(writes, report)| {
            let writes = writes.into_iter();
            let writes = writes.map(|(offset, before, after)| (offset + 0x1000, before, after));
            (writes.collect(), report)
        });
        assert_eq!(finished, moved, "present {present:b}");
    }
}

#[test]
fn a_branch_out_of_a_range_that_also_executes_elsewhere_is_refused() {
    let mut image = Image::new(&[NOP; 100]);
    image.branch(10, 1, 60);
    let table = image.finish().words;
    let with_alias = |len: usize| {
        image.finished(&table, |region| {
            let (first, rest) = image.text.split_at(len);
            let first = TextRange::new(Words::new(TEXT, first)).also_at(&[0x1000]);
            let rest = TextRange::new(Words::new(TEXT + 4 * len as u64, rest));
            let ranges = [first, rest];
            let text = Text::new(&ranges).unwrap();
            pass(&Region { text, ..*region }, 0b1111, 0b0010, 0).map(|_| ())
        })
    };
    assert_eq!(with_alias(80), Ok(()));
    let refused = with_alias(50).unwrap_err();
    assert!(
        matches!(refused.reason, Reason::LeavesAliasedRange { .. }),
        "{refused}"
    );
}
