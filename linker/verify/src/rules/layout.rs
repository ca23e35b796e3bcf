//! One layout of records in the whole image, and records for all of its sites.

use std::collections::BTreeSet;

use alt_diagnostic::Severity;
use alt_image::records::alt::{LAYOUT, VERSION, WRITE};
use alt_image::records::{Kind, Table};

use crate::context::Context;
use crate::rule::{ALT, Reporter, Rule};
use crate::rules::tables;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "layout-version",
        severity: Severity::Error,
        formats: ALT,
        summary: "The records have the layout version of this tool.",
        advice: "Build the kernel and `alt` with the same version of alt-runtime.",
        check: version,
    },
    Rule {
        id: "records-missing",
        severity: Severity::Error,
        formats: ALT,
        summary: "Every site that needs room for the plan has a record in the table.",
        advice: "Keep the sections alt_branches, alt_records, alt_replacements and \
                 alt_plan_size whole: INCLUDE alternatives-init.x in the linker script, or link with \
                 -Talternatives.x, and do not discard any of them.",
        check: missing,
    },
];

fn version(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let symbols = context.image.symbols().iter();
    let mut found: Vec<u64> = symbols
        .filter(|symbol| symbol.name == LAYOUT && symbol.range.start != VERSION)
        .map(|symbol| symbol.range.start)
        .collect();
    found.dedup();
    for other in found {
        let text = format!("there are records of layout {other}; this tool knows {VERSION}");
        reporter.report(0, text);
    }
}

/// Compares the records with other traces of sites: replacements, and the size of the plan. `plan-room`
/// reports a room that is too small.
fn missing(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let records = context.records;
    // `table-bounds` and `table-twice` report records outside of the bounds or in another section.
    let cut = |table: &Table| {
        let sections: Vec<_> = tables::sections(context, table.name).collect();
        let ends = sections.iter().map(|section| section.range.end);
        let end = table.range.end.saturating_add(tables::tail(context, table));
        sections.len() > 1 || ends.max().is_some_and(|last| last > end)
    };
    if cut(&records.branches) || cut(&records.alternatives) {
        return;
    }
    // Each site needs room for its whole length, even if no record of it applies.
    let sites: BTreeSet<_> = records
        .list()
        .iter()
        .map(|record| {
            let branch = matches!(record.kind, Kind::Branch { .. });
            (record.site, record.site_len, branch)
        })
        .collect();
    let words: u64 = sites.iter().map(|(_, len, _)| u64::from(len / 4)).sum();
    let needed = records.plan_size / WRITE;
    if records.list().is_empty() && needed == 0 && records.replacements.size() > 0 {
        let text = format!(
            "there are {} bytes of replacements and no record that refers to them",
            records.replacements.size()
        );
        reporter.report(records.replacements.range.start, text);
    } else if needed > words {
        let text = format!(
            "by alt_plan_size, the sites have {needed} words, but the sites of the records have \
             {words}: records are missing in the image"
        );
        let tables = [&records.alternatives, &records.branches];
        let table = tables.into_iter().find(|table| !table.range.is_empty());
        let at = table.map_or(records.plan.range.start, |table| table.range.start);
        reporter.report(at, text);
    }
}
