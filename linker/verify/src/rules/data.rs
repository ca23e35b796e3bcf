//! Data that refers to instructions of a replacement, which are executed at the site only.
//!
//! `.pushsection` makes an entry of an exception table beside the instruction that may fault. Inside an
//! arm, the label has the address of the stored copy, which never faults.

use std::ops::Range;

use alt_diagnostic::Severity;
use alt_image::image::{Image, Relocation, Section};
use alt_image::records::Kind;

use crate::context::Context;
use crate::rule::{ALT, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "data-refers-to-replacements",
    severity: Severity::Error,
    formats: ALT,
    summary: "Only records refer to an instruction of a replacement: it is executed at the site.",
    advice: "Inside an arm, write `alt_at_site_long LABEL` for `.long LABEL - .`, and \
             `alt_at_site_quad LABEL` for `.quad LABEL`: they refer to the instruction at the site.",
    check,
}];

/// Parts of the names that kernels give to exception tables. Their words are distances from their own
/// address.
const SELF_RELATIVE: [&str; 5] = ["ex_table", "extable", "exception", "fixup", "bug_table"];

/// Whether the linker kept the relocations of data. They then list all references.
pub(crate) fn relocations_are_kept(image: &Image) -> bool {
    !image.relocations().is_empty()
}

fn check(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let image = context.image;
    let arms = arms(context);
    for section in image.loaded().filter(|section| !section.executable) {
        let found: Vec<(u64, u64)> = match relocations_are_kept(image) {
            true => relocated(image.relocations_in(section.range.clone())).collect(),
            false => words(context, section).collect(),
        };
        for (at, target) in found.into_iter().filter(|(at, _)| !is_ours(context, *at)) {
            let after = arms.partition_point(|(range, _)| range.start <= target);
            let arm = after.checked_sub(1).map(|index| &arms[index]);
            let Some((range, site)) = arm.filter(|(range, _)| range.contains(&target)) else {
                continue;
            };
            let text = format!(
                "{} refers to instruction {} of the stored replacement of the site at {}: the \
                 instruction is executed at the site, and faults there",
                context.place(at),
                (target - range.start) / 4,
                context.place(*site),
            );
            reporter.report(at, text);
        }
    }
}

/// The replacements by address, each with its site.
fn arms(context: &Context<'_>) -> Vec<(Range<u64>, u64)> {
    let records = context.records.list().iter();
    let arms = records.filter_map(|record| match record.kind {
        Kind::Code { address, len } if len != 0 => {
            Some((address..address.saturating_add(len.into()), record.site))
        }
        _ => None,
    });
    let mut arms: Vec<_> = arms.collect();
    arms.sort_by_key(|(range, _)| range.start);
    arms
}

/// Whether an address is in a record or a replacement.
fn is_ours(context: &Context<'_>, at: u64) -> bool {
    let records = context.records;
    records.alternatives.range.contains(&at) || records.replacements.range.contains(&at)
}

/// References by kept relocations, without those to the bounds of the replacements, which have the address
/// of the first replacement.
fn relocated(kept: &[Relocation]) -> impl Iterator<Item = (u64, u64)> {
    let kept = kept
        .iter()
        .filter(|kept| !kept.symbol.starts_with("__start_") && !kept.symbol.starts_with("__stop_"));
    kept.map(|kept| (kept.at, kept.target))
}

/// References by the words of a section, if no relocations were kept: addresses and, in exception tables,
/// distances.
fn words(context: &Context<'_>, section: &Section) -> impl Iterator<Item = (u64, u64)> {
    let image = context.image;
    let known = SELF_RELATIVE.iter().any(|part| section.name.contains(part));
    let named = context.config.kernel.self_relative.covers(&section.range);
    let distances = image.words(section).filter(move |_| known || named);
    let distances = distances.map(|(at, word)| {
        let distance = i64::from(word.cast_signed());
        (at, at.wrapping_add_signed(distance))
    });
    let aligned = image.words(section).filter(|(at, _)| at.is_multiple_of(8));
    let addresses = aligned.filter_map(|(at, _)| Some((at, image.pointer_at(at)?)));
    // The bounds of the replacements have the address of the first one.
    let start = context.records.replacements.range.start;
    distances.chain(addresses.filter(move |(_, target)| *target != start))
}
