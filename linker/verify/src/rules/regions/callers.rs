//! References to a region.

use std::collections::HashSet;

use alt_image::graph::{Edge, EdgeKind, NodeId};
use alt_image::image::Symbol;

use crate::context::Context;
use crate::namespaces::Namespace;
use crate::rule::Reporter;

pub(super) fn check(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for region in &context.config.regions {
        let Some(allowed) = &region.may_be_called_from else {
            continue;
        };
        each(context, region.places.ranges(), reporter, |edge, node| {
            let code = context.graph().node(node).executable;
            let outside = !region.places.contains(edge.at) && !allowed.contains(edge.at);
            let enters = code && region.places.contains(edge.target) && outside;
            enters.then(|| format!("of the region {}", region.name))
        });
    }
    for namespace in &context.namespaces.list {
        let places = &namespace.region.places;
        each(context, places.ranges(), reporter, |edge, _| {
            let outside = !places.contains(edge.at) && places.contains(edge.target);
            // `region-reference` reports references out of another namespace, and `namespace-symbol` a
            // callback that the kernel cannot call.
            let known =
                context.records.callbacks.range.contains(&edge.at) || super::leaves(context, edge);
            let bounds = &context.namespaces.bounds;
            let may = namespace.exported.is_used_by(edge, context.image)
                || bounds.is_used_by(edge, context.image)
                || names_kernel(context, edge);
            let enters = outside && !may && !known;
            enters.then(|| private(namespace, edge))
        });
    }
}

/// Whether a reference uses a bound of the kernel: a symbol without a size and without the name of a
/// namespace. A part of the kernel may begin or end at a namespace.
fn names_kernel(context: &Context<'_>, edge: &Edge) -> bool {
    let namespaces = &context.namespaces.list;
    let is_of_one = |symbol: &Symbol| namespaces.iter().any(|one| one.name.is_on(&symbol.name));
    let bound = |symbol: &Symbol| symbol.range.is_empty() && !symbol.function;
    let mut symbols = context.symbols_of(edge);
    edge.kind != EdgeKind::Branch && symbols.any(|symbol| bound(symbol) && !is_of_one(symbol))
}

fn private(namespace: &Namespace, edge: &Edge) -> String {
    let name = &namespace.name;
    match edge.kind {
        EdgeKind::Branch => {
            format!("of the namespace {name}, which runs at another exception level")
        }
        _ => format!("of the namespace {name}, which does not export it"),
    }
}

/// Reports the references to nodes of these ranges for which `wrong` returns a description, once for each
/// pair of nodes.
fn each(
    context: &Context<'_>,
    ranges: &[std::ops::Range<u64>],
    reporter: &mut Reporter<'_>,
    wrong: impl Fn(&Edge, NodeId) -> Option<String>,
) {
    let graph = context.graph();
    let mut reported = HashSet::new();
    for node in ranges
        .iter()
        .flat_map(|range| graph.nodes_in(range.clone()))
    {
        for edge in graph.to(node) {
            if super::is_table(context, edge.at) {
                continue;
            }
            let Some(what) = wrong(edge, node) else {
                continue;
            };
            if reported.insert((edge.from, node)) {
                let text = format!(
                    "{} {} {} {what}",
                    context.place(edge.at),
                    edge.kind.verb(),
                    context.target(edge),
                );
                let path = [
                    graph.name(context.image, edge.from),
                    context.target_name(edge),
                ];
                reporter.report_path(edge.at, text, path.into());
            }
        }
    }
}
