//! References that the rules file forbids.

use std::collections::HashSet;

use alt_diagnostic::Severity;

use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "forbidden-reference",
    severity: Severity::Error,
    formats: ANY,
    summary: "No code or data breaks a `[[no-reference]]` of the rules file.",
    advice: "Move one of the two, or remove the reference.",
    check,
}];

fn check(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for rule in &context.config.no_references {
        let graph = context.graph();
        let mut reported = HashSet::new();
        let ranges = rule.from.ranges().iter();
        for node in ranges.flat_map(|range| graph.nodes_in(range.clone())) {
            for edge in graph.from(node) {
                let wrong = rule.from.contains(edge.at) && rule.to.contains(edge.target);
                if wrong && reported.insert((edge.at, edge.target)) {
                    let text = format!(
                        "{} {} {}: {}",
                        context.place(edge.at),
                        edge.kind.verb(),
                        context.place(edge.target),
                        rule.why,
                    );
                    let path = [edge.from, edge.to].map(|node| graph.name(context.image, node));
                    reporter.report_path(edge.at, text, path.into());
                }
            }
        }
    }
}
