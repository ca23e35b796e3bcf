//! The vectors of the hypervisor against Spectre, before Linux 5.11.
//!
//! `__bp_harden_hyp_vecs` has slots of 2 KiB with 16 vectors of 128 bytes. When a CPU needs a
//! mitigation, KVM copies one of a few sequences of instructions to the start of each vector of a slot
//! (`arch/arm64/kernel/proton-pack.c`). Which one depends on the CPUs and on firmware, so it is
//! recognised in memory; then every vector of the slot must have it.

use super::{Legal, Means, Rewritten};
use crate::image::Image;

/// The slots, with VHE and without.
const SLOTS: [&str; 2] = ["__bp_harden_hyp_vecs", "__kvm_nvhe___bp_harden_hyp_vecs"];

/// The sequences.
const SEQUENCES: [&str; 6] = [
    "__smccc_workaround_1_smc",
    "__smccc_workaround_3_smc",
    "__spectre_bhb_loop_k8",
    "__spectre_bhb_loop_k24",
    "__spectre_bhb_loop_k32",
    "__spectre_bhb_clearbhb",
];

const SLOT: u64 = 2048;
const VECTOR: u64 = 128;

pub(super) fn add(places: &mut Rewritten, image: &Image, word: impl Fn(u64) -> Option<u32>) {
    let sequences = SEQUENCES.iter().filter_map(|name| sequence(image, name));
    let sequences: Vec<Vec<u32>> = sequences.collect();
    for name in SLOTS {
        let Some(symbol) = image.symbols().get(name) else {
            continue;
        };
        for slot in symbol.range.clone().step_by(SLOT as usize) {
            let equal = |words: &[u32]| {
                let at = expected(slot, words);
                at.filter(|(at, expected)| word(*at) == Some(*expected))
                    .count()
            };
            let best = sequences.iter().max_by_key(|words| equal(words));
            // One with a few flipped words is still that one.
            let Some(words) = best.filter(|words| 2 * equal(words) > expected(slot, words).count())
            else {
                continue;
            };
            for (at, word) in expected(slot, words) {
                places.add(image, at, Means::HypVector, Legal::Must(vec![word]));
            }
        }
    }
}

fn sequence(image: &Image, name: &str) -> Option<Vec<u32>> {
    let range = image.symbols().get(name)?.range.clone();
    let words: Vec<u32> = range.step_by(4).map_while(|at| image.u32_at(at)).collect();
    let fits = (1..=VECTOR / 4).contains(&(words.len() as u64));
    fits.then_some(words)
}

/// The words of a slot with a sequence in each vector.
fn expected(slot: u64, words: &[u32]) -> impl Iterator<Item = (u64, u32)> {
    let vectors = (slot..slot + SLOT).step_by(VECTOR as usize);
    vectors.flat_map(move |vector| {
        let at = (vector..).step_by(4);
        at.zip(words.iter().copied())
    })
}
