//! No code has a site of a cpucap that is not final when the code runs.

use std::collections::HashSet;

use alt_diagnostic::Severity;
use alt_image::atomics;
use alt_image::graph::{Edge, EdgeKind, Graph, NodeId, Reached};
use alt_image::records::{Format, Kind, Site};
use alt_runtime::cap::Scope;

use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "cap-before-final",
    severity: Severity::Error,
    formats: ANY,
    summary: "Callbacks and code that runs early have no site of a cpucap that is not final at \
              that time.",
    advice: "Use a static that is set before the pass instead of the site, or give the cpucap \
             an earlier scope.",
    check,
}];

/// The cpucaps that are not final while some code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Open {
    /// All: before or in the boot-scope pass.
    All,
    /// All but those of boot scope: before or in the last pass.
    Later,
    /// This one. Without a table of cpucaps, no other is known to be open.
    One(u16),
}

impl Open {
    fn has(self, context: &Context<'_>, cap: u16) -> bool {
        let known = context.caps.and_then(|caps| caps.get(cap));
        match self {
            Self::All => true,
            Self::Later => known.is_some_and(|info| info.scope != Scope::Boot),
            Self::One(one) => cap == one,
        }
    }
}

fn check(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    // Without symbols, functions are unknown.
    if context.image.symbols().is_empty() {
        return;
    }
    let mut reported = HashSet::new();
    for (function, open) in callbacks(context) {
        let graph = context.graph();
        // A function without a symbol cannot be distinguished from the functions around it.
        if context.image.symbols().starting_at(function).is_empty() {
            continue;
        }
        let Some(start) = graph.node_at(function) else {
            continue;
        };
        let reached = reach(context, [start], true);
        let why = "runs inside the pass, as a callback";
        report(context, reporter, &reached, open, why, &mut reported);
    }
    for early in &context.config.before_final {
        let ranges = early.functions.ranges().iter();
        let start: Vec<_> = ranges
            .flat_map(|range| context.graph().nodes_in(range.clone()))
            .collect();
        let reached = reach(context, start, early.reach);
        let open = match early.scope {
            Scope::Boot => Open::All,
            Scope::System | Scope::Local => Open::Later,
        };
        let why = match early.scope {
            Scope::Boot => "runs before the boot-scope pass",
            Scope::System | Scope::Local => "runs before the last pass",
        };
        report(context, reporter, &reached, open, why, &mut reported);
    }
}

/// The functions of callbacks that records refer to, and the open cpucaps when each runs. Without those of
/// Linux, which reach most of the kernel through a warning.
fn callbacks(context: &Context<'_>) -> Vec<(u64, Open)> {
    if context.records.format == Format::Linux {
        return Vec::new();
    }
    let mut found = Vec::new();
    for arm in context.records.sites().flat_map(|site| site.arms()) {
        let Kind::Callback { address, .. } = arm.record().kind else {
            continue;
        };
        let Some(function) = crate::rules::callbacks::function(context, address) else {
            continue;
        };
        let caps = arm.records().iter().map(|record| record.term.cap);
        match context.caps {
            None => found.extend(caps.map(|cap| (function, Open::One(cap)))),
            Some(table) => {
                let boot = |cap| table.get(cap).is_some_and(|i| i.scope == Scope::Boot);
                let open = if caps.into_iter().all(boot) {
                    Open::All
                } else {
                    Open::Later
                };
                found.push((function, open));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The code that may run if these functions do: the targets of their branches, and functions whose address
/// they compute.
fn reach(context: &Context<'_>, start: impl IntoIterator<Item = NodeId>, further: bool) -> Reached {
    let graph = context.graph();
    let runs = |edge: &Edge| match edge.kind {
        EdgeKind::Branch => true,
        EdgeKind::Address => is_start_of_code(graph, edge) && !enters_namespace(context, edge),
        EdgeKind::Pointer => false,
    };
    graph.reachable(start, |edge| further && runs(edge))
}

/// Callbacks compute addresses of a namespace's code, but cannot call it.
fn enters_namespace(context: &Context<'_>, edge: &Edge) -> bool {
    let namespace = context.namespaces.at(edge.target);
    namespace.is_some_and(|namespace| !namespace.region.places.contains(edge.at))
}

fn is_start_of_code(graph: &Graph, edge: &Edge) -> bool {
    let node = graph.node(edge.to);
    node.executable && node.range.start == edge.target
}

fn report(
    context: &Context<'_>,
    reporter: &mut Reporter<'_>,
    reached: &Reached,
    open: Open,
    why: &str,
    reported: &mut HashSet<u64>,
) {
    for site in context.records.sites() {
        let Some(node) = context.graph().node_at(site.address()) else {
            continue;
        };
        let Some(cap) = open_cap(context, &site, open) else {
            continue;
        };
        if atomics::is_site(context.image, site.address()) {
            continue;
        }
        if reached.contains(node) && reported.insert(site.address()) {
            let path = reached.path(context.graph(), context.image, node);
            let first = path.first().map_or("", String::as_str);
            let text = format!(
                "{first} {why}, and reaches a site of {} at {}, before this cpucap is final",
                context.names.label(cap),
                context.place(site.address()),
            );
            reporter.report_cap_path(site.address(), cap, text, path);
        }
    }
}

/// The first cpucap of a site that is open.
fn open_cap(context: &Context<'_>, site: &Site<'_>, open: Open) -> Option<u16> {
    let mut caps = site.records().iter().map(|record| record.term.cap);
    caps.find(|cap| open.has(context, *cap))
}
