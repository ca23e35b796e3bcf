//! Branches into the middle of a site or of a replacement.
//!
//! A branch to the first instruction of a site executes the default or an arm, as it should. A branch
//! to a later instruction executes other instructions after an arm has been applied. The same applies to
//! a branch in an arm to a label in the default of its site, because the arm replaces the default. Only
//! the default may branch within itself, and a replacement within itself: it moves as a whole.

use std::ops::Range;

use alt_diagnostic::Severity;
use alt_image::code::Reference;

use crate::arms::MovedArm;
use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};
use crate::rules::veneers;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "branch-into-site",
        severity: Severity::Error,
        formats: ANY,
        summary: "No branch from outside enters a site after its first instruction.",
        advice: "Put the label before or after the site, or split the site there.",
        check: into_site,
    },
    Rule {
        id: "branch-into-replacement",
        severity: Severity::Error,
        formats: ANY,
        summary: "No branch from outside enters a replacement: it is not executed in place.",
        advice: "Branch to the site, or move the shared code into a function.",
        check: into_replacement,
    },
];

fn into_site(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let mut moved = moved_branches(context);
    moved.sort_by_key(|(_, branch)| branch.target);
    for site in context.records.sites() {
        let range = site.range();
        let inside = range.start.saturating_add(4)..range.end;
        if inside.is_empty() {
            continue;
        }
        let place = context.place(range.start);
        let mut report = |from: u64, target: u64, cap: Option<u16>| {
            let index = (target - range.start) / 4;
            let text = format!("a branch to instruction {index} of the site at {place}");
            match cap {
                None => reporter.report(from, text),
                Some(cap) => reporter.report_cap(from, cap, text),
            }
        };
        for branch in context.code().branches_to(inside.clone()) {
            if !range.contains(&branch.from) && !veneers::is_unused(context, branch) {
                report(branch.from, branch.target, None);
            }
        }
        let first = moved.partition_point(|(_, branch)| branch.target < inside.start);
        let to_site = moved[first..].iter();
        for (arm, branch) in to_site.take_while(|(_, branch)| branch.target < inside.end) {
            report(branch.from, branch.target, Some(arm.cap));
        }
    }
}

fn into_replacement(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let mut ranges: Vec<Range<u64>> = context
        .arms
        .iter()
        .map(|arm| arm.replacement.clone())
        .filter(|range| !range.is_empty())
        .collect();
    ranges.sort_by_key(|range| (range.start, range.end));
    ranges.dedup();
    for range in &ranges {
        let place = context.place(range.start);
        let text = format!("a branch into the replacement at {place}");
        for branch in context.code().branches_to(range.clone()) {
            // A branch to the end of a replacement continues after the site, even if another
            // replacement begins at that address.
            let own = |own: &&Range<u64>| {
                let stays = own.start <= branch.target && branch.target <= own.end;
                own.contains(&branch.from) && stays
            };
            let near = ranges.partition_point(|range| range.start <= branch.from);
            let stays = ranges[..near].last().filter(own).is_some();
            if !stays && !veneers::is_unused(context, branch) {
                reporter.report(branch.from, text.clone());
            }
        }
    }
    for (arm, branch) in moved_branches(context) {
        let before = ranges.partition_point(|range| range.start <= branch.target);
        let last = ranges[..before].last();
        if let Some(range) = last.filter(|range| range.contains(&branch.target)) {
            let place = context.place(range.start);
            let text = format!("a branch into the replacement at {place}");
            reporter.report_cap(branch.from, arm.cap, text);
        }
    }
}

/// The branches of arms whose replacements are not in the text, as they will be at the site; without
/// branches within an arm.
fn moved_branches<'a>(context: &'a Context<'_>) -> Vec<(&'a MovedArm, Reference)> {
    let hidden = context
        .arms
        .iter()
        .filter(|arm| !arm.replacement.is_empty() && !context.image.is_text(arm.replacement.start));
    let mut found = Vec::new();
    for arm in hidden {
        let own = arm.range();
        let count = (arm.replacement.end - arm.replacement.start) / 4;
        for (index, (at, _, new)) in (0..count).zip(arm.changes()) {
            let Some(branch) = Reference::of(at, new).filter(Reference::is_branch) else {
                continue;
            };
            let before = arm.replacement.start + 4 * index;
            let stays = moves_along(context, arm, before);
            if !(own.contains(&branch.target) && stays) {
                found.push((arm, branch));
            }
        }
    }
    found
}

/// Whether the branch at `at` in the replacement branches to the replacement itself.
fn moves_along(context: &Context<'_>, arm: &MovedArm, at: u64) -> bool {
    let word = context.image.u32_at(at);
    let reference = word.and_then(|word| Reference::of(at, word));
    let target = reference.map(|reference| reference.target);
    target.is_some_and(|target| arm.replacement.start <= target && target <= arm.replacement.end)
}
