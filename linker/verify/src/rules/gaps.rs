//! Gaps between sections of text: the patcher takes the text as one range without gaps.

use alt_image::records::Kind;

use crate::context::Context;
use crate::rule::Reporter;

const OUTSIDE: &str = "is not inside one executable section";

/// Reports sites in gaps.
pub(super) fn sites(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for site in context.records.sites() {
        let (at, len) = (site.address(), u64::from(site.len()));
        if !context.image.is_text_for(at, len) && !context.refusals.has(at) {
            reporter.report(at, format!("the site {OUTSIDE}"));
        }
    }
}

/// Reports sites whose replacements are in gaps.
pub(super) fn replacements(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for record in context.records.list() {
        let Kind::Code { address, len } = record.kind else {
            continue;
        };
        let is_placed = context.records.replacements.range.contains(&address)
            || context.image.is_text_for(address, len.into());
        if !is_placed && !context.refusals.has(record.site) {
            let text = format!("the replacement at {} {OUTSIDE}", context.place(address));
            reporter.report_cap(record.site, record.term.cap, text);
        }
    }
}
