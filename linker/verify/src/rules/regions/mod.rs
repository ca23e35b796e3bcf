//! Regions: parts of an image with further rules, such as code of another exception level.

mod callers;
mod code;
mod references;

use alt_diagnostic::Severity;
use alt_image::graph::{Edge, EdgeKind, NodeId, Reached};

use crate::config::Region;
use crate::context::Context;
use crate::rule::{ANY, Rule};

pub(super) use references::leaves;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "region-reference",
        severity: Severity::Error,
        formats: ANY,
        summary: "A region refers only to itself and to what its `may-reference`, or the manifest of \
                  a namespace, allows.",
        advice: "Move the target into the region, or allow it in the rules file or the manifest.",
        check: references::check,
    },
    Rule {
        id: "region-caller",
        severity: Severity::Error,
        formats: ANY,
        summary: "Only code that its `may-be-called-from` allows enters a region; no code branches to \
                  a namespace, or refers to more of it than exports and bounds.",
        advice: "Use the entry of the region, or allow the caller in the rules file; refer to \
                 exports of a namespace only, and enter it by an exception.",
        check: callers::check,
    },
    Rule {
        id: "region-register",
        severity: Severity::Error,
        formats: ANY,
        summary: "The code of a region does not use the registers in its `forbid-registers`.",
        advice: "Compile it with the register reserved, for x18 with -Zfixed-x18 or -ffixed-x18; \
                 the prebuilt `core` uses x18.",
        check: code::registers,
    },
    Rule {
        id: "region-instruction",
        severity: Severity::Error,
        formats: ANY,
        summary: "The code of a region has no instruction of its `forbid-instructions`.",
        advice: "Move the code out of the region, or compile it without the extension.",
        check: code::instructions,
    },
    Rule {
        id: "region-indirect-branch",
        severity: Severity::Error,
        formats: ANY,
        summary: "Inside a region, only functions listed in `may-call-indirectly`, or in the manifest \
                  of a namespace, contain indirect branches (BR, BLR); RET is exempt.",
        advice: "Call the function by its name; or, if every address that the register can hold is \
                 in the region, add the function to `may-call-indirectly` in the rules file or \
                 `indirect-calls` in the manifest.",
        check: code::indirect,
    },
    Rule {
        id: "region-site",
        severity: Severity::Error,
        formats: ANY,
        summary: "A region with `forbid-sites` has no site.",
        advice: "Test a flag in memory instead: the code of the region may run while sites change.",
        check: code::sites,
    },
];

/// The nodes of a region, and how each is reached from its entries.
struct Walk {
    nodes: Vec<NodeId>,
    reached: Reached,
}

impl Walk {
    fn new(context: &Context<'_>, region: &Region) -> Self {
        let graph = context.graph();
        let ranges = region.places.ranges().iter();
        let nodes: Vec<_> = ranges
            .flat_map(|range| graph.nodes_in(range.clone()))
            .collect();
        let inside = |edge: &Edge| region.places.contains(edge.at);
        let refers = |edge: &&Edge| !is_table(context, edge.at) && !is_bound(context, edge);
        // A node with a reference from outside, or without any reference.
        let is_entry = |node: &NodeId| {
            let mut edges = graph.to(*node).filter(refers).peekable();
            let entered = edges.peek().is_none() || edges.any(|edge| !inside(edge));
            entered && !is_table(context, graph.node(*node).range.start)
        };
        let entries: Vec<_> = nodes.iter().copied().filter(is_entry).collect();
        let reached = graph.reachable(entries, |edge| {
            region.places.contains(edge.target) && !is_table(context, edge.at)
        });
        Self { nodes, reached }
    }

    /// The path to a node; the node alone if it is only reached in a circle.
    fn path(&self, context: &Context<'_>, node: NodeId) -> Vec<String> {
        let graph = context.graph();
        let path = self.reached.path(graph, context.image, node);
        match path.is_empty() {
            true => vec![graph.name(context.image, node)],
            false => path,
        }
    }
}

/// Whether a reference is to a symbol that bounds a range.
fn is_bound(context: &Context<'_>, edge: &Edge) -> bool {
    let ends = ["_start", "_begin", "_end", "_stop"];
    let mut symbols = context.symbols_of(edge);
    edge.kind != EdgeKind::Branch
        && symbols.any(|symbol| {
            let name = ends.iter().any(|end| symbol.name.ends_with(end));
            name && symbol.range.is_empty() && !symbol.function
        })
}

/// Whether an address is in a table of records or of the pointers of a namespace. Their entries refer to
/// regions without entering them.
fn is_table(context: &Context<'_>, address: u64) -> bool {
    let records = context.records;
    let records = [
        &records.branches,
        &records.alternatives,
        &records.replacements,
    ];
    let namespaces = context.namespaces.list.iter();
    let pointers = namespaces.map(|namespace| &namespace.pointers);
    let mut tables = records
        .map(|table| &table.range)
        .into_iter()
        .chain(pointers);
    tables.any(|table| table.contains(&address))
}
