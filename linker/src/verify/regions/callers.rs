//! What refers to a region.

use std::collections::HashSet;

use crate::graph::{Edge, EdgeKind, NodeId};
use crate::verify::{Namespace, Reporter, Subject};

pub(super) fn check(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    for region in &subject.config.regions {
        let Some(allowed) = &region.may_be_called_from else {
            continue;
        };
        each(subject, region.places.ranges(), reporter, |edge, node| {
            let code = subject.graph().node(node).executable;
            let outside = !region.places.contains(edge.at) && !allowed.contains(edge.at);
            let enters = code && region.places.contains(edge.target) && outside;
            enters.then(|| format!("of the region {}", region.name))
        });
    }
    for namespace in &subject.namespaces.list {
        let places = &namespace.region.places;
        each(subject, places.ranges(), reporter, |edge, _| {
            let outside = !places.contains(edge.at) && places.contains(edge.target);
            // What leaves another namespace is reported as such, and a callback that the kernel
            // cannot call as one.
            let known =
                subject.records.callbacks.range.contains(&edge.at) || super::leaves(subject, edge);
            let bounds = &subject.namespaces.bounds;
            let may = namespace.exported.says(subject, edge) || bounds.says(subject, edge);
            let enters = outside && !may && !known;
            enters.then(|| private(namespace, edge))
        });
    }
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

/// Reports the references to nodes of these ranges of which `wrong` says in words what is: once
/// from each node to another.
fn each(
    subject: &Subject<'_>,
    ranges: &[std::ops::Range<u64>],
    reporter: &mut Reporter<'_>,
    wrong: impl Fn(&Edge, NodeId) -> Option<String>,
) {
    let graph = subject.graph();
    let mut reported = HashSet::new();
    for node in ranges
        .iter()
        .flat_map(|range| graph.nodes_in(range.clone()))
    {
        for edge in graph.to(node) {
            if super::is_table(subject, edge.at) {
                continue;
            }
            let Some(what) = wrong(edge, node) else {
                continue;
            };
            if reported.insert((edge.from, node)) {
                let text = format!(
                    "{} {} {} {what}",
                    subject.place(edge.at),
                    edge.kind.verb(),
                    subject.target(edge),
                );
                let path = [
                    graph.name(subject.image, edge.from),
                    subject.target_name(edge),
                ];
                reporter.report_path(edge.at, text, path.into());
            }
        }
    }
}
