//! The place of an image's text in memory.

use std::collections::{HashMap, HashSet};

use memchr::memmem;

use super::Memory;
use crate::image::Image;
use crate::rewritten::hyp_pointers;

/// The number of words that are searched for together. Text of this length without two equal
/// words in a row of any kind hardly repeats.
const ANCHOR: usize = 8;

/// The number of anchors, spread over the text.
const ANCHORS: usize = 24;

/// The number of anchors that are searched for in turn; the other ones confirm.
const SEARCHED: usize = 6;

/// Words of the text that do not change.
#[derive(Clone, Debug)]
struct Anchor {
    address: u64,
    bytes: Vec<u8>,
}

/// Finds the link address of the first byte of a piece of memory, by the text that it holds.
/// `is_stable` selects the words that do not change at run time. `None` if it does not hold the text.
pub fn base(image: &Image, bytes: &[u8], is_stable: impl Fn(u64) -> bool) -> Option<u64> {
    let anchors = anchors(image, is_stable);
    let matches = |base: u64| {
        let memory = Memory { base, bytes };
        let is_there = |anchor: &&Anchor| {
            let from = usize::try_from(anchor.address.wrapping_sub(memory.base)).ok();
            let found = from.and_then(|from| bytes.get(from..from.checked_add(4 * ANCHOR)?));
            found == Some(&anchor.bytes[..])
        };
        anchors.iter().filter(is_there).count()
    };
    let mut candidates = HashMap::new();
    let step = anchors.len().div_ceil(SEARCHED).max(1);
    for anchor in anchors.iter().step_by(step) {
        for offset in memmem::find_iter(bytes, &anchor.bytes) {
            let base = anchor.address.wrapping_sub(offset as u64);
            // Instructions are aligned, in memory too.
            if base.is_multiple_of(4) {
                candidates.entry(base).or_insert_with(|| matches(base));
            }
        }
        // Most of the text at one place: the others need not be searched for.
        if candidates.values().any(|count| 2 * count > anchors.len()) {
            break;
        }
    }
    // A copy of the file in the same memory, such as the loader's, is as it was linked.
    let slid = |base: u64| slide(image, &[Memory { base, bytes }]).map_or(0, |slide| slide.1);
    let best = candidates.into_iter().max_by_key(|(base, count)| {
        let count = *count;
        (count, slid(*base), u64::MAX - base)
    })?;
    // A single hit in a large image is a coincidence, or a stale page.
    (4 * best.1 >= anchors.len()).then_some(best.0)
}

/// The distance between the addresses at which the kernel runs and those of the link, by the pointers
/// that its loader relocated; with the number of pointers that have it. `None` if there are no such
/// pointers in the dump, or fewer than half of them agree.
pub fn slide(image: &Image, dump: &[Memory<'_>]) -> Option<(u64, usize)> {
    let mut counts = HashMap::new();
    let hyp: HashSet<u64> = hyp_pointers(image).collect();
    let mut seen = 0;
    for pointer in image.pointers() {
        let value = dump.iter().find_map(|piece| piece.doubleword(pointer.at));
        if let Some(value) = value.filter(|_| !hyp.contains(&pointer.at)) {
            seen += 1;
            *counts
                .entry(value.wrapping_sub(pointer.target))
                .or_insert(0) += 1;
        }
    }
    let (slide, count) = counts
        .into_iter()
        .max_by_key(|(slide, count)| (*count, *slide == 0))?;
    // A kernel is moved by whole pages.
    (2 * count > seen && slide.is_multiple_of(4096)).then_some((slide, count))
}

fn anchors(image: &Image, is_stable: impl Fn(u64) -> bool) -> Vec<Anchor> {
    let init: Vec<_> = image.init().collect();
    let sections = image.executable().filter(|section| {
        let start = section.range.start;
        !init.iter().any(|init| init.contains(&start))
    });
    let words: Vec<(u64, u32)> = sections.flat_map(|s| image.words(s)).collect();
    let mut anchors = Vec::new();
    let step = (words.len() / ANCHORS).max(ANCHOR);
    for from in (0..words.len()).step_by(step) {
        let part = words.get(from..from + step.min(words.len() - from));
        let windows = part.unwrap_or_default().windows(ANCHOR);
        let is_good = |window: &&[(u64, u32)]| {
            let consecutive = window[ANCHOR - 1].0 - window[0].0 == 4 * (ANCHOR as u64 - 1);
            let different = window.windows(2).filter(|pair| pair[0].1 != pair[1].1);
            consecutive
                && different.count() >= ANCHOR - 2
                && window.iter().all(|(address, _)| is_stable(*address))
        };
        if let Some(window) = windows.into_iter().find(is_good) {
            anchors.push(Anchor {
                address: window[0].0,
                bytes: window
                    .iter()
                    .flat_map(|(_, word)| word.to_le_bytes())
                    .collect(),
            });
        }
    }
    anchors
}
