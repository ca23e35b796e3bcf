//! Sites of each kind, and the runs that the writer makes from them.

use alt_image::finished::{Outcome, write};
use alt_runtime::finished::{FinishedTable, Kind};

use crate::image::{CALLBACK, Image, LIKELY, NOP, NOT, RECORDS, compare};

/// The kinds of the runs, with the number of sites of each.
pub fn runs(table: &[u32]) -> Vec<(Kind, usize)> {
    let table = FinishedTable::new(RECORDS, table).unwrap();
    let runs = table
        .buckets()
        .flat_map(|bucket| bucket.runs().collect::<Vec<_>>());
    runs.map(|run| run.unwrap())
        .map(|run| (run.kind(), run.steps().count()))
        .collect()
}

const MOV_0: u32 = 0xd280_0000;
const MOV_1: u32 = 0xd280_0020;
const B_2: u32 = 0x1400_0002;

#[test]
fn branches_that_become_nop_have_a_distance_each() {
    let mut image = Image::new(&[B_2; 2000]);
    for site in (0..2000).step_by(100) {
        image.branch(site, LIKELY, 2);
    }
    let written = image.finish();
    assert_eq!(runs(&written.words), [(Kind::Set, 20)]);
    // Header, entry, run, 20 distances.
    assert_eq!(written.words.len(), 13 + 8 + 3 + 10);
    compare(&image);
}

#[test]
fn nops_that_become_branches_have_a_displacement_each() {
    let mut image = Image::new(&[NOP; 2000]);
    for (index, site) in (0..2000).step_by(100).enumerate() {
        image.branch(site, 1, index as i16 - 1);
    }
    // The first one leaves the text: keep it inside.
    image.branches[0].displacement = 30;
    assert_eq!(runs(&image.finish().words), [(Kind::Branch, 20)]);
    compare(&image);
}

#[test]
fn words_that_change_in_the_same_bits_are_one_run() {
    let text: Vec<u32> = (0..200).map(|rd| MOV_0 | (rd % 30)).collect();
    let mut image = Image::new(&text);
    for site in (0..200).step_by(7) {
        image.alternative(site, 2 | NOT, 1, &[text[site] ^ 0x1_0000]);
    }
    assert_eq!(runs(&image.finish().words), [(Kind::Xor, 29)]);
    compare(&image);
}

#[test]
fn longer_arms_share_the_dictionary() {
    let mut image = Image::new(&[NOP; 400]);
    for site in (0..400).step_by(10) {
        image.alternative(site, 3, 4, &[MOV_0, MOV_1, MOV_0]);
    }
    image.alternative(396, 1, 1, &[MOV_1]);
    let written = image.finish();
    // The bucket of cap 1 comes first; its word is one of the others' words.
    assert_eq!(runs(&written.words), [(Kind::Copy, 1), (Kind::Copy, 40)]);
    // The NOP at the end is not there.
    assert_eq!(written.dictionary, 3);
    compare(&image);
}

#[test]
fn words_that_depend_on_the_site_are_those_of_the_planner() {
    let mut image = Image::new(&[NOP; 400]);
    for (index, site) in (0..350).step_by(25).enumerate() {
        // adrp x0, .; add; b to a word of the text.
        let at = address_of_replacement(image.replacements.len() + 2);
        let target = crate::image::TEXT + 4 * index as u64;
        let b = 0x1400_0000 | (target.wrapping_sub(at) as i64 / 4) as u32 & 0x03ff_ffff;
        image.alternative(site, 0, 3, &[0x9000_0000, 0x9100_0000, b]);
    }
    compare(&image);
}

fn address_of_replacement(index: usize) -> u64 {
    crate::image::REPLACEMENTS + 4 * index as u64
}

#[test]
fn callbacks_run_on_the_site() {
    let mut image = Image::new(&[NOP; 400]);
    for site in (0..300).step_by(30) {
        image.callback(site, 1, 3, site / 30 % 2);
    }
    image.nops(300, 2, 7);
    let written = image.finish();
    let kinds = [(Kind::Callback, 5), (Kind::Callback, 5), (Kind::Copy, 1)];
    assert_eq!(runs(&written.words), kinds);
    compare(&image);
}

#[test]
fn a_site_that_is_too_far_away_begins_another_run() {
    let mut image = Image::new(&vec![B_2; 300_000]);
    // 65,535 words apart and 65,536; a run has enough sites to be worth its header.
    for first in [0, 16 + 65_535, 65_567 + 65_536] {
        for site in (first..first + 20).step_by(4) {
            image.branch(site, LIKELY, 2);
        }
    }
    let words = image.finish().words;
    assert_eq!(runs(&words), [(Kind::Set, 10), (Kind::Set, 5)]);
    compare(&image);
}

#[test]
fn a_run_of_more_steps_than_its_length_has_bits_for_is_two() {
    let mut image = Image::new(&vec![NOP; 170_000]);
    for site in 0..66_000 {
        image.branch(2 * site, 0, 2 + (site % 30_000) as i16);
    }
    let written = image.finish();
    let expected = [(Kind::Branch, 65_535), (Kind::Branch, 465)];
    assert!(runs(&written.words) == expected);
}

#[test]
fn a_handful_of_sites_stays_raw() {
    let mut image = Image::new(&[B_2; 20]);
    image.branch(3, LIKELY, 2);
    let outcome = image.raw(|region| write(region, RECORDS, 8)).unwrap();
    let finished = 4 * image.finish().words.len();
    assert_eq!(outcome, Outcome::Raw { finished, space: 8 });
    let empty = Image::new(&[B_2; 20]);
    let outcome = empty.raw(|region| write(region, RECORDS, 8)).unwrap();
    assert_eq!(
        outcome,
        Outcome::Raw {
            finished: 0,
            space: 8
        }
    );
}

#[test]
fn nops_of_a_callback_record_need_no_callback() {
    let mut image = Image::new(&[MOV_0; 40]);
    for site in (0..40).step_by(4) {
        image.nops(site, CALLBACK, 1);
    }
    assert_eq!(runs(&image.finish().words), [(Kind::Set, 10)]);
    compare(&image);
}
