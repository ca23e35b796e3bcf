//! The patcher does not patch itself: the code that runs while text changes has no site, and refers to no
//! other code.

use alt_diagnostic::Severity;
use alt_image::atomics::reached_at;
use alt_image::graph::EdgeKind;
use alt_image::patcher;
use alt_object::encodings::is_branch_to_register;

use crate::config::Places;
use crate::context::Context;
use crate::rule::{ALT, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "patcher-site",
        severity: Severity::Error,
        formats: ALT,
        summary: "No site is in the code that rewrites text.",
        advice: "Move the site out of `.text.alt_patcher`: that code runs while sites change.",
        check: site,
    },
    Rule {
        id: "patcher-escape",
        severity: Severity::Error,
        formats: ALT,
        summary: "The code that rewrites text refers only to itself.",
        advice: "Call nothing from `.text.alt_patcher`, and pass its input in registers: code that \
                 it calls might be changing.",
        check: escape,
    },
];

/// The addresses of that code.
pub(super) fn patcher(context: &Context<'_>) -> Places {
    Places::new(patcher::ranges(context.image))
}

fn site(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let patcher = patcher(context);
    for site in context.records.sites() {
        // `atomic-patcher` has better advice.
        if reached_at(context.image, site.address()).is_some() {
            continue;
        }
        let mut words = site.range().step_by(4);
        if words.any(|word| patcher.contains(word)) {
            let text = format!(
                "a site at {} is in the code that rewrites text",
                context.place(site.address())
            );
            reporter.report_cap(site.address(), site.first().term.cap, text);
        }
    }
}

fn escape(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let patcher = patcher(context);
    if patcher.is_empty() {
        return;
    }
    let graph = context.graph();
    for range in patcher.ranges() {
        for node in graph.nodes_in(range.clone()) {
            for edge in graph.from(node) {
                let is_atomic = || reached_at(context.image, edge.at).is_some();
                let leaves = patcher.contains(edge.at) && !patcher.contains(edge.target);
                // `atomic-patcher` has better advice.
                if leaves && !is_atomic() {
                    let how = match edge.kind {
                        EdgeKind::Branch => "branches to",
                        EdgeKind::Address | EdgeKind::Pointer => "refers to",
                    };
                    let text = format!(
                        "the code that rewrites text {how} {} at {}",
                        context.place(edge.target),
                        context.place(edge.at),
                    );
                    let path = [node, edge.to].map(|node| graph.name(context.image, node));
                    reporter.report_path(edge.at, text, path.into());
                }
            }
        }
    }
    let instructions = context.instructions_in(&patcher);
    for (at, _) in instructions.filter(|(_, word)| is_branch_to_register(*word)) {
        let text = format!(
            "the code that rewrites text has an indirect branch at {}",
            context.place(at)
        );
        reporter.report(at, text);
    }
}
