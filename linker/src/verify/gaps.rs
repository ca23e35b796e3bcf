//! Text between sections of text: the patcher is told of one run of text, here it has gaps.

use crate::image::Section;
use crate::records::Kind;

use super::{Reporter, Subject};

const OUTSIDE: &str = "is not inside one executable section";

/// Reports sites in gaps.
pub(super) fn sites(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    for site in subject.records.sites() {
        let (at, len) = (site.address(), u64::from(site.len()));
        if !is_text(subject, at, len) && !subject.refusals.has(at) {
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
            || is_text(subject, address, len.into());
        if !is_placed && !subject.refusals.has(record.site) {
            let text = format!("the replacement at {} {OUTSIDE}", subject.place(address));
            reporter.report_cap(record.site, record.term.cap, text);
        }
    }
}

fn is_text(subject: &Subject<'_>, address: u64, len: u64) -> bool {
    let covers = |section: &Section| section.executable && len <= section.range.end - address;
    subject.image.section_at(address).is_some_and(covers)
}
