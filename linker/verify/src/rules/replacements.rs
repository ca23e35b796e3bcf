//! Where replacements are.

use std::ops::Range;

use alt_diagnostic::Severity;
use alt_image::records::Kind;

use crate::context::Context;
use crate::rule::{ANY, Reporter, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "replacement-overlaps-site",
    severity: Severity::Error,
    formats: ANY,
    summary: "No instruction belongs to both a replacement and a site: the source of a copy must not change.",
    advice: "Write the arm with the macros, which place it outside of all sites.",
    check: overlapping,
}];

fn overlapping(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    let sites: Vec<Range<u64>> = context.records.sites().map(|site| site.range()).collect();
    for record in context.records.list() {
        let Kind::Code { address, len } = record.kind else {
            continue;
        };
        let end = address.saturating_add(len.into());
        let before = sites.partition_point(|site| site.start < end);
        let last = before.checked_sub(1).map(|index| &sites[index]);
        if let Some(site) = last.filter(|site| address < site.end) {
            let (of, site) = (context.place(address), context.place(site.start));
            let text = format!("the replacement at {of} overlaps the site at {site}");
            reporter.report_cap(record.site, record.term.cap, text);
        }
    }
}
