//! The parts of an image for which its author has rules of their own, such as the code of
//! another exception level.

use std::collections::HashSet;

use super::config::Region;
use super::{ANY, Reporter, Rule, Severity, Subject};
use crate::disasm;
use crate::graph::{Edge, NodeId, Reached};
use crate::records::Kind;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "region-reference",
        severity: Severity::Error,
        formats: ANY,
        summary: "A region refers to nothing but itself and what its `may-reference` allows.",
        advice: "Move what is referred to into the region, or allow it in the rules file.",
        check: references,
    },
    Rule {
        id: "region-caller",
        severity: Severity::Error,
        formats: ANY,
        summary: "Nothing enters a region but what its `may-be-called-from` allows.",
        advice: "Go through the region's entry, or allow the caller in the rules file.",
        check: callers,
    },
    Rule {
        id: "region-register",
        severity: Severity::Error,
        formats: ANY,
        summary: "The code of a region leaves alone what its `forbid-registers` names.",
        advice: "Compile it so that the register stays free, such as with \
                 -Zfixed-x18 or -ffixed-x18 for x18; the prebuilt `core` does not.",
        check: registers,
    },
    Rule {
        id: "region-instruction",
        severity: Severity::Error,
        formats: ANY,
        summary: "The code of a region has no instruction that its `forbid-instructions` names.",
        advice: "Move the code out of the region, or compile it without the extension.",
        check: instructions,
    },
];

/// The nodes of a region, and how each is reached from its entries.
struct Walk {
    nodes: Vec<NodeId>,
    reached: Reached,
}

impl Walk {
    fn new(subject: &Subject<'_>, region: &Region) -> Self {
        let graph = subject.graph();
        let ranges = region.places.ranges().iter();
        let nodes: Vec<_> = ranges
            .flat_map(|range| graph.nodes_in(range.clone()))
            .collect();
        let inside = |edge: &Edge| region.places.contains(edge.at);
        // What is entered from outside, or by nobody that can be seen.
        let is_entry = |node: &NodeId| {
            let mut edges = graph.to(*node).peekable();
            edges.peek().is_none() || edges.any(|edge| !inside(edge))
        };
        let entries: Vec<_> = nodes.iter().copied().filter(is_entry).collect();
        let reached = graph.reach(entries, |edge| region.places.contains(edge.target));
        Self { nodes, reached }
    }

    /// The way to a node; the node alone where only a circle leads to it.
    fn path(&self, subject: &Subject<'_>, node: NodeId) -> Vec<String> {
        let graph = subject.graph();
        let path = self.reached.path(graph, subject.image, node);
        match path.is_empty() {
            true => vec![graph.name(subject.image, node)],
            false => path,
        }
    }
}

fn references(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    let graph = subject.graph();
    for region in &subject.config.regions {
        let Some(allowed) = &region.may_reference else {
            continue;
        };
        let walk = Walk::new(subject, region);
        let mut reported = HashSet::new();
        for node in &walk.nodes {
            for edge in graph.from(*node) {
                let inside = |address| region.places.contains(address);
                let wrong =
                    inside(edge.at) && !inside(edge.target) && !allowed.contains(edge.target);
                if wrong && reported.insert((edge.from, edge.to)) {
                    let text = format!(
                        "the region {} {} {} at {}",
                        region.name,
                        edge.kind.verb(),
                        subject.place(edge.target),
                        subject.place(edge.at),
                    );
                    let mut path = walk.path(subject, *node);
                    path.push(graph.name(subject.image, edge.to));
                    reporter.report_path(edge.at, text, path);
                }
            }
        }
    }
}

fn callers(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    let graph = subject.graph();
    for region in &subject.config.regions {
        let Some(allowed) = &region.may_be_called_from else {
            continue;
        };
        let mut reported = HashSet::new();
        let ranges = region.places.ranges().iter();
        for node in ranges.flat_map(|range| graph.nodes_in(range.clone())) {
            for edge in graph.to(node) {
                let code = graph.node(node).executable;
                let outside = !region.places.contains(edge.at) && !allowed.contains(edge.at);
                let enters = code && region.places.contains(edge.target) && outside;
                if enters && !is_table(subject, edge.at) && reported.insert((edge.from, node)) {
                    let text = format!(
                        "{} {} {} of the region {}",
                        subject.place(edge.at),
                        edge.kind.verb(),
                        subject.place(edge.target),
                        region.name,
                    );
                    let path = [edge.from, node].map(|node| graph.name(subject.image, node));
                    reporter.report_path(edge.at, text, path.into());
                }
            }
        }
    }
}

/// Records refer to the sites of every region, and call none of them.
fn is_table(subject: &Subject<'_>, address: u64) -> bool {
    let records = subject.records;
    [
        &records.branches,
        &records.alternatives,
        &records.replacements,
    ]
    .iter()
    .any(|table| table.range.contains(&address))
}

fn registers(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    for region in &subject.config.regions {
        let forbidden = &region.forbid_registers;
        if forbidden.is_empty() {
            continue;
        }
        each_instruction(subject, region, reporter, |word, at| {
            let mut possible = forbidden.iter().filter(|r| r.may_be_in(word)).peekable();
            possible.peek()?;
            let text = disasm::instruction(word, at);
            let register = possible.find(|register| register.is_in(&text))?;
            Some((format!("uses {register}"), text))
        });
    }
}

fn instructions(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    for region in &subject.config.regions {
        let forbidden = &region.forbid_instructions;
        let needs_text = forbidden.iter().any(|pattern| pattern.needs_text());
        if forbidden.is_empty() {
            continue;
        }
        each_instruction(subject, region, reporter, |word, at| {
            let text = match needs_text {
                true => disasm::instruction(word, at),
                false => String::new(),
            };
            let pattern = forbidden
                .iter()
                .find(|pattern| pattern.holds(word, &text))?;
            Some((format!("has `{pattern}`"), disasm::instruction(word, at)))
        });
    }
}

/// Asks about each instruction of a region, those included that its sites can become, and
/// reports the first in each function that breaks each rule.
fn each_instruction(
    subject: &Subject<'_>,
    region: &Region,
    reporter: &mut Reporter<'_>,
    wrong: impl Fn(u32, u64) -> Option<(String, String)>,
) {
    let mut walk = None;
    let mut reported = HashSet::new();
    let mut ask = |word: u32, at: u64, site: Option<u64>| {
        let (Some((what, text)), Some(node)) =
            (wrong(word, at), subject.graph().node_at(site.unwrap_or(at)))
        else {
            return;
        };
        if !reported.insert((node, what.clone())) {
            return;
        }
        let walk = walk.get_or_insert_with(|| Walk::new(subject, region));
        let place = match site {
            None => format!("`{text}` at {}", subject.place(at)),
            Some(site) => format!(
                "`{text}`, which the site {} can become",
                subject.place(site)
            ),
        };
        let explanation = format!("the region {} {what}: {place}", region.name);
        reporter.report_path(site.unwrap_or(at), explanation, walk.path(subject, node));
    };
    for section in subject.image.executable() {
        for range in region.places.ranges() {
            let start = section.range.start.max(range.start).next_multiple_of(4);
            for at in (start..section.range.end.min(range.end)).step_by(4) {
                let data = subject.image.symbols().is_data(at);
                if let Some(word) = subject.image.word(at).filter(|_| !data) {
                    ask(word, at, None);
                }
            }
        }
    }
    for record in subject.records.list() {
        let Kind::Code { address, len } = record.kind else {
            continue;
        };
        if !region.places.contains(record.site) {
            continue;
        }
        for at in (address..address.saturating_add(len.into())).step_by(4) {
            if let Some(word) = subject.image.u32_at(at) {
                ask(word, at, Some(record.site));
            }
        }
    }
}
