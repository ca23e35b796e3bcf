//! Calls of outline atomics: each is a site, and becomes the instruction of its helper.

use alt_diagnostic::Severity;
use alt_image::atomics::{called_at, reached_at};
use alt_image::records::Kind;
use alt_runtime::atomics::{Helper, PREFIX, WORD_PREFIX};

use super::patcher_code::patcher;
use crate::context::Context;
use crate::rule::{ALT, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "atomic-call",
        severity: Severity::Note,
        formats: ALT,
        summary: "Each call of an outline atomic is a site, if the image has alt-runtime's helpers.",
        advice: "Link by `alt-ld`: the calls work, but cost more than the instruction.",
        check: calls,
    },
    Rule {
        id: "atomic-word",
        severity: Severity::Error,
        formats: ALT,
        summary: "The replacement of a call of an outline atomic is the helper's instruction.",
        advice: "Build all objects with one version of alt-runtime, and define no `__alt_atomic_…`.",
        check: words,
    },
    Rule {
        id: "atomic-patcher",
        severity: Severity::Error,
        formats: ALT,
        summary: "No outline atomic is in the code that rewrites text.",
        advice: "Use loads and stores there, which have no helper, or write the atomic in assembly: \
                 both the call and the helper change while that code runs.",
        check: in_patcher,
    },
];

/// Reports once, with the number of calls: an image that was not linked by alt-ld has hundreds.
fn calls(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let image = context.image;
    // A helper that the kernel defines itself has no word, so its calls cannot be replaced.
    let words: Vec<_> = image
        .symbols()
        .iter()
        .filter_map(|symbol| Some(symbol.name.rsplit_once(WORD_PREFIX)?.1))
        .filter_map(|name| Helper::named(&format!("{PREFIX}{name}")))
        .collect();
    if words.is_empty() {
        return;
    }
    let patcher = patcher(context);
    let is_site = |at| {
        let mut sites = context.records.sites();
        sites.any(|site| site.range().contains(&at))
    };
    let replacements = &context.records.replacements.range;
    let mut left = Vec::new();
    for section in image.executable() {
        for (at, _) in image.instructions(section) {
            if let Some(helper) = called_at(image, at)
                && words.contains(&helper)
                && !patcher.contains(at)
                && !replacements.contains(&at)
                && !is_site(at)
            {
                left.push((at, helper));
            }
        }
    }
    if let [(at, helper), ..] = left[..] {
        let count = left.len();
        let text = format!("{count} calls of outline atomics are not sites; the first is {helper}");
        reporter.report(at, text);
    }
}

fn words(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for site in context.records.sites().filter(|site| site.len() == 4) {
        let Some(helper) = called_at(context.image, site.address()) else {
            continue;
        };
        for record in site.records() {
            let word = match record.kind {
                Kind::Code { address, len: 4 } => context.image.u32_at(address),
                _ => None,
            };
            if word != Some(helper.insn().0) {
                let text = format!(
                    "the call of {helper} does not become `{}`",
                    alt_image::disasm::instruction(helper.insn().0, site.address())
                );
                reporter.report_cap(site.address(), record.term.cap, text);
            }
        }
    }
}

/// Calls, sites or not, and tail calls.
fn in_patcher(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for (at, _) in context.instructions_in(&patcher(context)) {
        if let Some(helper) = reached_at(context.image, at) {
            let place = context.place(at);
            let text =
                format!("the code that rewrites text has the outline atomic {helper} at {place}");
            reporter.report(at, text);
        }
    }
}
