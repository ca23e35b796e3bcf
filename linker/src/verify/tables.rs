//! The tables as a whole.

use crate::records::{Kind, Site};

use super::{ALT, ANY, Reporter, Rule, Severity, Subject};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "unsorted-table",
        severity: Severity::Error,
        formats: ALT,
        summary: "A table is sorted by site.",
        advice: "Let the linker order the sections (SHF_LINK_ORDER): no KEEP, no SORT.",
        check: unsorted,
    },
    Rule {
        id: "overlapping-sites",
        severity: Severity::Error,
        formats: ANY,
        summary: "No instruction belongs to two sites.",
        advice: "Write each site by one macro; sites do not nest.",
        check: overlapping,
    },
];

/// By the order of the records themselves: those of one site stand together.
fn unsorted(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    let is_branch = |kind| matches!(kind, Kind::Branch { .. });
    for of_branches in [true, false] {
        let list = subject.records.list().iter();
        let mut table: Vec<_> = list
            .filter(|record| is_branch(record.kind) == of_branches)
            .collect();
        table.sort_by_key(|record| record.at);
        for pair in table.windows(2) {
            if pair[1].site < pair[0].site {
                let before = subject.place(pair[0].site);
                let text = format!("its record is behind that of the site at {before}");
                reporter.report_cap(pair[1].site, pair[1].term.cap, text);
            }
        }
    }
}

fn overlapping(subject: &Subject<'_>, reporter: &mut Reporter<'_>) {
    let is_branch = |record: &&_| {
        matches!(
            (*record as &crate::records::Record).kind,
            Kind::Branch { .. }
        )
    };
    let mut previous: Option<Site<'_>> = None;
    for site in subject.records.sites() {
        let branches = site.records().iter().filter(is_branch).count();
        if branches != 0 && branches != site.records().len() {
            reporter.report(site.address(), "it is a branch and an alternative at once");
        }
        if let Some(before) = previous.filter(|before| before.range().end > site.address()) {
            let (len, at) = (before.len() / 4, subject.place(before.address()));
            let text = format!("it begins inside the site of {len} instructions at {at}");
            reporter.report(site.address(), text);
        }
        previous = Some(site);
    }
}
