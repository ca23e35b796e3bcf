//! Exclusive accesses.
//!
//! Between a load exclusive and its store exclusive there must be no other memory access, no call
//! and nothing that takes an exception: the store may then fail each time (Arm ARM B2,
//! "Load-Exclusive and Store-Exclusive instruction usage restrictions"). An arm may put such an
//! instruction there, or replace one half of the pair.
//!
//! A pair is a load exclusive and a store exclusive that execution can reach from it, also through
//! branches, over at most 32 instructions before the site and 32 after it, without another exclusive
//! or a CLREX in between. Calls and indirect branches are not followed. Only words of the site are
//! reported; the pair may be around the site or in it.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;

use alt_diagnostic::Severity;
use alt_image::code::Reference;
use alt_object::encodings::{
    is_call, is_clear_exclusive, is_exception, is_indirect_branch, is_load_exclusive,
    is_load_store, is_prefetch, is_store_exclusive, is_system_operation,
};
use alt_runtime::insn::Form;

use crate::arms::MovedArm;
use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "exclusive-pair-split",
    severity: Severity::Error,
    formats: ANY,
    summary: "A site between a load exclusive and its store exclusive accesses no memory, and \
              no arm removes one of the two.",
    advice: "Make the whole loop the site, or move the site out of the loop.",
    check: split,
}];

/// The largest distance from a half of a pair to the site, in instructions.
const LONGEST: usize = 32;

/// The text, with these words at a site.
struct View<'a> {
    context: &'a Context<'a>,
    site: Range<u64>,
    words: &'a [u32],
}

fn split(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for site in context.records.sites() {
        let start = site.address();
        let words: Option<Vec<u32>> = site.words().map(|at| context.image.word(at)).collect();
        // `site-outside-text` reports a site that is not text.
        let Some(words) = words.filter(|words| !words.is_empty()) else {
            continue;
        };
        if let Some(at) = View::new(context, start, &words).offender() {
            reporter.report(at, between("default"));
        }
    }
    for arm in &context.arms {
        let after = View::new(context, arm.site, &arm.words);
        if let Some(at) = after.offender() {
            reporter.report_cap(at, arm.cap, between("arm"));
        } else if let Some((at, half, other)) = torn(context, arm, &after) {
            let left = if half == "load" { "store" } else { "load" };
            let other = format!("{left} exclusive at {}", context.place(other));
            let text = format!("the arm removes the {half} exclusive of the {other}");
            reporter.report_cap(at, arm.cap, text);
        }
    }
}

fn between(part: &str) -> String {
    format!("the {part} has this instruction between a load exclusive and its store exclusive")
}

/// The half of a pair that an arm removes, and the address of the other half outside of the site.
fn torn(
    context: &Context<'_>,
    arm: &MovedArm,
    after: &View<'_>,
) -> Option<(u64, &'static str, u64)> {
    let before = View::new(context, arm.site, &arm.default);
    let outside = |at: &u64| !before.site.contains(at);
    arm.changes().find_map(|(at, old, _)| {
        if is_load_exclusive(old) {
            let store = before.store([at + 4]).filter(outside)?;
            let alone = after.store([arm.site]) == Some(store);
            alone.then_some((at, "load", store))
        } else if is_store_exclusive(old) {
            let load = before.load(at).filter(outside)?;
            let alone = after.store([load + 4]).is_none();
            alone.then_some((at, "store", load))
        } else {
            None
        }
    })
}

impl<'a> View<'a> {
    fn new(context: &'a Context<'a>, site: u64, words: &'a [u32]) -> Self {
        let site = site..site + 4 * words.len() as u64;
        Self {
            context,
            site,
            words,
        }
    }

    fn word(&self, at: u64) -> Option<u32> {
        if self.site.contains(&at) {
            let index = usize::try_from((at - self.site.start) / 4).ok()?;
            return self.words.get(index).copied();
        }
        let image = self.context.image;
        image.word(at).filter(|_| !image.symbols().is_data(at))
    }

    /// The address of the first instruction of the site that must not be inside a pair.
    fn offender(&self) -> Option<u64> {
        let words = (self.site.start..).step_by(4).zip(self.words);
        let mut in_the_way = words.filter(|(_, word)| is_in_the_way(**word));
        let found =
            in_the_way.find(|(at, _)| self.store([*at + 4]).is_some() && self.load(*at).is_some());
        found.map(|(at, _)| at)
    }

    /// The store exclusive that execution can reach from these addresses, before another load exclusive.
    fn store(&self, from: impl IntoIterator<Item = u64>) -> Option<u64> {
        nearest(from, |at, ways| {
            let word = self.word(at)?;
            if is_store_exclusive(word) {
                return Some(at);
            }
            if is_load_exclusive(word) || is_clear_exclusive(word) {
                return None;
            }
            if goes_on(at, word) {
                ways.extend(at.checked_add(4));
            }
            ways.extend(jump(at, word));
            None
        })
    }

    /// The load exclusive from which execution can reach an address, without a store exclusive in between.
    fn load(&self, to: u64) -> Option<u64> {
        let mut before = Vec::new();
        self.comes_from(to, &mut before);
        nearest(before, |at, ways| {
            let word = self.word(at)?;
            if is_load_exclusive(word) {
                return Some(at);
            }
            if !is_store_exclusive(word) && !is_clear_exclusive(word) {
                self.comes_from(at, ways);
            }
            None
        })
    }

    /// The instructions that can precede this one in execution.
    fn comes_from(&self, to: u64, ways: &mut Vec<u64>) {
        let before = to.checked_sub(4);
        ways.extend(before.filter(|at| self.word(*at).is_some_and(|word| goes_on(*at, word))));
        let branches = self.context.code().branches_to(to..to + 4);
        let around = branches.map(|branch| branch.from);
        ways.extend(
            around
                .filter(|from| !self.site.contains(from))
                .take(LONGEST),
        );
        let own = (self.site.start..).step_by(4).zip(self.words);
        ways.extend(own.filter_map(|(at, word)| (jump(at, *word)? == to).then_some(at)));
    }
}

/// A breadth-first search from `start`: the first result of `visit`, which also adds the successors of an
/// address.
fn nearest(
    start: impl IntoIterator<Item = u64>,
    mut visit: impl FnMut(u64, &mut Vec<u64>) -> Option<u64>,
) -> Option<u64> {
    let mut queue: VecDeque<_> = start.into_iter().map(|at| (at, 0)).collect();
    let mut seen: HashSet<u64> = queue.iter().map(|(at, _)| *at).collect();
    let mut ways = Vec::new();
    while let Some((at, distance)) = queue.pop_front() {
        if let Some(found) = visit(at, &mut ways) {
            return Some(found);
        }
        for way in ways.drain(..) {
            if distance + 1 < LONGEST && seen.insert(way) {
                queue.push_back((way, distance + 1));
            }
        }
    }
    None
}

/// Whether execution can continue at the next instruction. It counts as ended at a call.
fn goes_on(at: u64, word: u32) -> bool {
    let form = Reference::of(at, word).map(|reference| reference.form);
    !matches!(form, Some(Form::B | Form::Bl)) && !is_indirect_branch(word)
}

/// The target of a branch that is not a call.
fn jump(at: u64, word: u32) -> Option<u64> {
    let branch = Reference::of(at, word).filter(Reference::is_branch)?;
    (branch.form != Form::Bl).then_some(branch.target)
}

fn is_in_the_way(word: u32) -> bool {
    is_exception(word)
        || is_call(word)
        || is_system_operation(word)
        || (is_load_store(word)
            && !is_prefetch(word)
            && !is_load_exclusive(word)
            && !is_store_exclusive(word))
}
