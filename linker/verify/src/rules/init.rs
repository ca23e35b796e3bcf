//! The init region, which is freed after boot: the tables are in it, and no other code or data refers
//! to it.

use alt_diagnostic::Severity;
use alt_image::records::Format;

use crate::config::Named;
use crate::config::Places;
use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};
use crate::rules::regions;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "tables-outside-init",
        severity: Severity::Warning,
        formats: ANY,
        summary: "The tables are in the init region, if the image has one.",
        advice: "INCLUDE alternatives-init.x between the bounds of the init region, or state \
                 the region in the rules file under [init].",
        check: tables,
    },
    Rule {
        id: "init-reference",
        severity: Severity::Error,
        formats: ANY,
        summary: "No code or data outside of the init region refers to it, since it is freed after boot.",
        advice: "Move one of the two; if it refers there only before the region is freed, name it \
                 in the rules file: [init] may-refer = [\"…\"].",
        check: references,
    },
];

/// The addresses of the init region; empty if the image has none.
fn region(context: &Context<'_>) -> Places {
    let config = context.config.init.as_ref();
    if let Some(init) = config.filter(|init| !init.places.is_empty()) {
        return init.places.clone();
    }
    Places::new(context.image.init().next())
}

fn tables(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let init = region(context);
    if init.is_empty() {
        return;
    }
    let records = context.records;
    // Callbacks may stay on purpose, for modules.
    for table in [
        &records.branches,
        &records.alternatives,
        &records.replacements,
        &records.plan,
    ] {
        if !table.range.is_empty() && !init.covers(&table.range) {
            let text = format!(
                "the table {} ({:#x} to {:#x}) is outside the init region, and stays after boot",
                table.name, table.range.start, table.range.end
            );
            reporter.report(table.range.start, text);
        }
    }
}

fn references(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    // For Linux only on demand: modpost checks this at build time, by marks (`__ref`) that a linked
    // image does not have.
    if context.records.format == Format::Linux && context.config.init.is_none() {
        return;
    }
    let init = region(context);
    let nowhere = Places::default();
    let allowed = context.config.init.as_ref();
    let allowed = allowed.map_or(&nowhere, |init| &init.may_refer);
    let graph = context.graph();
    let bounds = bounds(context);
    for range in init.ranges() {
        for node in graph.nodes_in(range.clone()) {
            let mut last = None;
            for edge in graph.to(node) {
                // `refers-to-replacements` and `data-refers-to-replacements` report these.
                let refused = context.records.replacements.range.contains(&edge.target)
                    && (context.refusals.has(edge.at) || !context.image.is_text(edge.at));
                let stays = !init.contains(edge.at) && !allowed.contains(edge.at) && !refused;
                // Once for each function; `region-reference` reports references out of a region.
                if stays
                    && last != Some(edge.from)
                    && !bounds.is_used_by(edge, context.image)
                    && !context.namespaces.bounds.is_used_by(edge, context.image)
                    && !regions::leaves(context, edge)
                {
                    last = Some(edge.from);
                    let text = format!(
                        "{} stays after boot and {} {} in the init region",
                        context.place(edge.at),
                        edge.kind.verb(),
                        context.place(edge.target),
                    );
                    let path = [edge.from, node].map(|node| graph.name(context.image, node));
                    reporter.report_path(edge.at, text, path.into());
                }
            }
        }
    }
}

/// Symbols that bound the region or a part of it. Their addresses may be used at any time, such as to free
/// the region.
fn bounds(context: &Context<'_>) -> Named {
    let config = context.config.init.as_ref();
    let more = config
        .map(|init| init.bounds.as_slice())
        .unwrap_or_default();
    let known = |name: &str| {
        name.starts_with("__alt_tables_")
            || name.starts_with("__start_")
            || name.starts_with("__stop_")
            || more.iter().any(|bound| bound == name)
    };
    let symbols = context.image.symbols().iter();
    let bounds = symbols.filter(|symbol| {
        let label = symbol.range.is_empty() && !symbol.function;
        label && symbol.name.starts_with("__init") || known(&symbol.name)
    });
    Named::new(bounds.map(|bound| {
        let start = bound.range.start;
        (bound.name.clone(), start..start)
    }))
}
