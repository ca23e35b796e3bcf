//! Every site of up to two arms, in every state of the cpucaps.

use crate::image::{AND, Image, LIKELY, NOP, NOT, compare};

/// All conditions of up to two terms over three cpucaps, as the words of their records.
fn conditions() -> Vec<Vec<u16>> {
    let literals: Vec<u16> = (0..3).flat_map(|cap| [cap, cap | NOT]).collect();
    let mut all: Vec<Vec<u16>> = literals.iter().map(|term| vec![*term]).collect();
    for a in &literals {
        all.extend(literals.iter().map(|b| vec![*a | AND, *b]));
    }
    all
}

#[test]
fn every_pair_of_arms_is_decided_as_by_the_raw_pass() {
    let all = conditions();
    for first in &all {
        // One site for each second arm.
        let mut image = Image::new(&vec![NOP; 4 * all.len()]);
        for (index, second) in all.iter().enumerate() {
            for (arm, terms) in [first, second].into_iter().enumerate() {
                for term in terms {
                    let word = 0xd280_0000 | (arm as u32) << 5;
                    image.alternative(2 * index, *term, 1, &[word]);
                }
            }
        }
        compare(&image);
    }
}

#[test]
fn branches_with_two_arms_are_decided_as_by_the_raw_pass() {
    for first in conditions() {
        let mut image = Image::new(&[0x1400_0002; 100]);
        for (index, second) in conditions().iter().enumerate() {
            for term in first.iter().chain(second) {
                image.branch(2 * index, *term | LIKELY, 2);
            }
        }
        compare(&image);
    }
}

#[test]
fn three_arms_of_two_terms_are_decided_as_by_the_raw_pass() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..25 {
        let mut image = Image::new(&[NOP; 100]);
        for site in 0..12 {
            for arm in 0..3 {
                let term = |random: &mut fastrand::Rng| random.u16(0..4) | (random.u16(0..2) * NOT);
                let word = 0xd280_0000 | arm << 5 | site;
                if random.bool() {
                    image.alternative(8 * site as usize, term(&mut random) | AND, 2, &[word]);
                }
                image.alternative(8 * site as usize, term(&mut random), 2, &[word, word]);
            }
        }
        compare(&image);
    }
}
