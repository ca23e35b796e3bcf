//! References from a region.

use std::collections::HashSet;

use alt_image::graph::{Edge, EdgeKind};
use alt_image::image::demangle;
use alt_linker::namespace::AllowKind;

use super::Walk;
use crate::config::Region;
use crate::context::Context;
use crate::rule::Reporter;

/// Whether a reference breaks `region-reference`.
pub(crate) fn leaves(context: &Context<'_>, edge: &Edge) -> bool {
    let mut regions = context.regions();
    regions.any(|region| region.places.contains(edge.at) && is_wrong(context, region, edge))
}

fn is_wrong(context: &Context<'_>, region: &Region, edge: &Edge) -> bool {
    let Some(allowed) = &region.may_reference else {
        return false;
    };
    let inside = |address| region.places.contains(address);
    inside(edge.at)
        && !inside(edge.target)
        && !allowed.contains(edge.target)
        && !region.bounds.is_used_by(edge, context.image)
        // Pointers in data are converted at boot to addresses of the region.
        && (edge.kind != EdgeKind::Address || !region.may_name.is_used_by(edge, context.image))
        && !super::is_table(context, edge.at)
}

pub(super) fn check(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for region in context.regions() {
        if region.may_reference.is_none() {
            continue;
        }
        let graph = context.graph();
        let walk = Walk::new(context, region);
        let mut reported = HashSet::new();
        for node in &walk.nodes {
            for edge in graph.from(*node) {
                if is_wrong(context, region, edge) && reported.insert((edge.from, edge.to)) {
                    let text = format!(
                        "the region {} {} {} at {}{}",
                        region.name,
                        edge.kind.verb(),
                        context.target(edge),
                        context.place(edge.at),
                        kind(context, region, edge).unwrap_or_default(),
                    );
                    let mut path = walk.path(context, *node);
                    path.push(context.target_name(edge));
                    reporter.report_path(edge.at, text, path);
                }
            }
        }
    }
}

/// The use of the target that the manifest of a namespace allows.
fn kind(context: &Context<'_>, region: &Region, edge: &Edge) -> Option<String> {
    let mut namespaces = context.namespaces.list.iter();
    let namespace = namespaces.find(|namespace| std::ptr::eq(&namespace.region, region))?;
    let name = context.target_name(edge);
    let mut allow = namespace.allow();
    let allowed = allow.find(|allowed| demangle(&allowed.kernel) == name)?;
    Some(match edge.kind {
        EdgeKind::Pointer => ", which its manifest allows for code: the pointers in its data \
                              are converted at boot"
            .into(),
        EdgeKind::Address if allowed.kind != AllowKind::Callback => {
            ", which is after the end of the symbol that its manifest allows".into()
        }
        _ => format!(", which its manifest allows as {} alone", allowed.kind),
    })
}
