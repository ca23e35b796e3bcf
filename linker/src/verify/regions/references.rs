//! What a region refers to.

use std::collections::HashSet;

use super::Walk;
use crate::graph::{Edge, EdgeKind};
use crate::hyp::manifest::Kind;
use crate::image::demangle;
use crate::verify::config::Region;
use crate::verify::{Reporter, Subject};

/// Whether a reference leaves a region that must not.
pub(crate) fn leaves(subject: &Subject<'_>, edge: &Edge) -> bool {
    let mut regions = subject.regions();
    regions.any(|region| region.places.contains(edge.at) && is_wrong(subject, region, edge))
}

fn is_wrong(subject: &Subject<'_>, region: &Region, edge: &Edge) -> bool {
    let Some(allowed) = &region.may_reference else {
        return false;
    };
    let inside = |address| region.places.contains(address);
    inside(edge.at)
        && !inside(edge.target)
        && !allowed.contains(edge.target)
        && !region.bounds.says(subject, edge)
        // Pointers in data are changed at boot, into addresses of the region.
        && (edge.kind != EdgeKind::Address || !region.may_name.says(subject, edge))
        && !super::is_table(subject, edge.at)
}

pub(super) fn check(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    let graph = subject.graph();
    for region in subject.regions() {
        if region.may_reference.is_none() {
            continue;
        }
        let walk = Walk::new(subject, region);
        let mut reported = HashSet::new();
        for node in &walk.nodes {
            for edge in graph.from(*node) {
                if is_wrong(subject, region, edge) && reported.insert((edge.from, edge.to)) {
                    let text = format!(
                        "the region {} {} {} at {}{}",
                        region.name,
                        edge.kind.verb(),
                        subject.target(edge),
                        subject.place(edge.at),
                        kind(subject, region, edge).unwrap_or_default(),
                    );
                    let mut path = walk.path(subject, *node);
                    path.push(subject.target_name(edge));
                    reporter.report_path(edge.at, text, path);
                }
            }
        }
    }
}

/// What the manifest of a namespace allows instead.
fn kind(subject: &Subject<'_>, region: &Region, edge: &Edge) -> Option<String> {
    let mut namespaces = subject.namespaces.list.iter();
    let namespace = namespaces.find(|namespace| std::ptr::eq(&namespace.region, region))?;
    let name = subject.target_name(edge);
    let mut allow = namespace.allow();
    let allowed = allow.find(|allowed| demangle(&allowed.kernel) == name)?;
    Some(match edge.kind {
        EdgeKind::Pointer => ", which its manifest allows for code: the pointers in its data \
                              are changed at boot"
            .into(),
        EdgeKind::Address if allowed.kind != Kind::Callback => {
            ", which is behind the end of what its manifest allows".into()
        }
        _ => format!(", which its manifest allows as {} alone", allowed.kind),
    })
}
