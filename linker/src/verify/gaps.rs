//! Text between sections of text: the patcher is told of one run of text, here it has gaps.

use crate::records::Kind;

use super::{Reporter, Subject};

const OUTSIDE: &str = "is not inside one executable section";

/// Reports sites in gaps.
pub(super) fn sites(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    for site in subject.records.sites() {
        let (at, len) = (site.address(), u64::from(site.len()));
        if !subject.image.is_text_for(at, len) && !subject.refusals.has(at) {
            reporter.report(at, format!("the site {OUTSIDE}"));
        }
    }
}

/// Reports the sites of replacements in gaps.
pub(super) fn replacements(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    for record in subject.records.list() {
        let Kind::Code { address, len } = record.kind else {
            continue;
        };
        let is_placed = subject.records.replacements.range.contains(&address)
            || subject.image.is_text_for(address, len.into());
        if !is_placed && !subject.refusals.has(record.site) {
            let text = format!("the replacement at {} {OUTSIDE}", subject.place(address));
            reporter.report_cap(record.site, record.term.cap, text);
        }
    }
}
