//! Functions that the linker folded although their records differ.
//!
//! `--icf=all` compares the text of functions, and the targets of its relocations. The macros give each
//! site a relocation to its record that changes nothing (R_AARCH64_NONE), so two functions with sites
//! are never equal. Without this relocation, the linker may keep one of the functions and its records
//! for both names. The image then shows two names at one address.

use std::collections::HashMap;

use alt_diagnostic::Severity;
use alt_image::atomics::linked_at;
use alt_image::image::{Symbol, demangle};
use alt_image::records::{Arm, Kind, Site, Term};

use crate::context::Context;
use crate::rule::{ALT, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "folded-site",
    severity: Severity::Error,
    formats: ALT,
    summary: "A site belongs to one function: the linker folded no functions whose records differ.",
    advice: "Link without --icf=all (--icf=safe is safe), or write all sites with the macros, \
             which make each site refer to its record.",
    check: folded,
}];

/// `R_AARCH64_NONE`: ELF for the Arm 64-bit Architecture, 5.7.2.
const NONE: u32 = 0;

fn folded(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for site in context.records.sites() {
        let at = site.address();
        if let Some((first, other)) = same_condition(&site) {
            let text = format!(
                "two arms have the same condition, in the records at {first:#x} and {other:#x}: \
                 the second one never applies, and may belong to another function"
            );
            reporter.report_cap(at, site.first().term.cap, text);
            continue;
        }
        // Only kept relocations show whether the functions could have been folded.
        if context.image.relocations().is_empty() || refers_to_record(context, &site) {
            continue;
        }
        // Equal functions call the same helpers, so their records are equal as well.
        if site.len() == 4 && linked_at(context.image, at).is_some() {
            continue;
        }
        if let Some((first, other)) = two_functions(context, at) {
            let text = format!(
                "{} and {} are one function, and the site in it does not refer to its record: if \
                 the linker folded them, the records of one of them are lost",
                demangle(&first.name),
                demangle(&other.name),
            );
            reporter.report_cap(at, site.first().term.cap, text);
        }
    }
}

/// The addresses of the first records of two arms that hold under the same condition.
fn same_condition(site: &Site<'_>) -> Option<(u64, u64)> {
    let terms = |arm: &Arm<'_>| {
        let terms = arm.records().iter().map(|record| record.term);
        terms
            .map(|Term { cap, negated, .. }| (cap, negated))
            .collect::<Vec<_>>()
    };
    let is_branch = |arm: &Arm<'_>| matches!(arm.record().kind, Kind::Branch { .. });
    let mut before = HashMap::new();
    site.arms().find_map(|arm| {
        let at = arm.record().at;
        let first = before.insert((is_branch(&arm), terms(&arm)), at)?;
        Some((first, at))
    })
}

fn refers_to_record(context: &Context<'_>, site: &Site<'_>) -> bool {
    let at = site.address();
    let mut kept = context
        .image
        .relocations_in(at..at.saturating_add(1))
        .iter();
    kept.any(|kept| {
        let mut records = site.records().iter();
        kept.kind == NONE && records.any(|record| record.at == kept.target)
    })
}

/// Two functions with different names that begin at one address and contain this one.
fn two_functions<'a>(context: &Context<'a>, at: u64) -> Option<(&'a Symbol, &'a Symbol)> {
    let symbols = context.image.symbols();
    let around = context.image.symbol_at(at)?;
    let mut functions = symbols
        .starting_at(around.range.start)
        .iter()
        .filter(|symbol| symbol.function && symbol.range.contains(&at));
    let first = functions.next()?;
    let other = functions.find(|other| other.name != first.name)?;
    Some((first, other))
}
