//! Exclusive accesses.
//!
//! Between a load exclusive and its store exclusive there must be no other memory access and
//! nothing that takes an exception: the store may then fail each time (Arm ARM B2,
//! "Load-Exclusive and Store-Exclusive instruction usage restrictions"). An arm can bring one
//! there although the source shows none.
//!
//! A pair is a load exclusive and the next store exclusive that execution can simply go on to:
//! at most 128 bytes behind it, with no other load exclusive, CLREX, B, BL or indirect branch
//! between. Conditional branches leave it and do not end it. What counts is a word of the site
//! itself, be the pair around the site or in it.

use super::{ANY, Reporter, Rule, Severity, Subject};
use crate::encodings::{
    is_clear_exclusive, is_direct_branch, is_exception, is_indirect_branch, is_load_exclusive,
    is_load_store, is_prefetch, is_store_exclusive,
};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "exclusive-pair-split",
    severity: Severity::Error,
    formats: ANY,
    summary: "A site between a load exclusive and its store exclusive accesses no memory.",
    advice: "Make the whole loop the site, or move the site before or behind it.",
    check: split,
}];

/// Words of the longest pair.
const LONGEST: usize = 32;

/// A site in its surroundings: words, and which of them are the site's.
struct Window {
    start: u64,
    words: Vec<u32>,
    site: std::ops::Range<usize>,
}

fn split(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    for site in subject.records.sites() {
        let (start, len) = (site.address(), site.len() as usize / 4);
        let words = (start..).step_by(4).take(len);
        let words: Option<Vec<u32>> = words.map(|at| subject.image.word(at)).collect();
        // What is no text has been reported.
        let Some(words) = words else { continue };
        if let Some(at) = offender(&window(subject, start, &words)) {
            reporter.report(at, text("default"));
        }
    }
    for arm in &subject.arms {
        if let Some(at) = offender(&window(subject, arm.site, &arm.words)) {
            reporter.report_cap(at, arm.cap, text("arm"));
        }
    }
}

fn text(part: &str) -> String {
    format!("the {part} has this instruction between a load exclusive and its store exclusive")
}

/// The site with these words, and the text around it; where that ends, so does the window.
fn window(subject: &Subject<'_>, site: u64, words: &[u32]) -> Window {
    let image = subject.image;
    let before = (1..=LONGEST as u64).map_while(|index| image.word(site.checked_sub(4 * index)?));
    let mut all: Vec<u32> = before.collect();
    all.reverse();
    let first = all.len();
    all.extend(words);
    let end = site + 4 * words.len() as u64;
    all.extend((0..LONGEST as u64).map_while(|index| image.word(end + 4 * index)));
    Window {
        start: site - 4 * first as u64,
        words: all,
        site: first..first + words.len(),
    }
}

/// The address of the first instruction of the site that must not be where it is.
fn offender(window: &Window) -> Option<u64> {
    let mut load: Option<usize> = None;
    let mut found = None;
    for (index, word) in window.words.iter().copied().enumerate() {
        load = load.filter(|load| index - load <= LONGEST);
        if is_load_exclusive(word) {
            (load, found) = (Some(index), None);
        } else if is_store_exclusive(word) {
            if let (Some(_), Some(found)) = (load, found) {
                return Some(window.start + 4 * found as u64);
            }
            load = None;
        } else if is_clear_exclusive(word) || is_direct_branch(word) || is_indirect_branch(word) {
            load = None;
        } else if load.is_some() && window.site.contains(&index) && is_in_the_way(word) {
            found = found.or(Some(index));
        }
    }
    None
}

fn is_in_the_way(word: u32) -> bool {
    is_exception(word) || (is_load_store(word) && !is_prefetch(word))
}
