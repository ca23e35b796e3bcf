//! Sites that the patcher would refuse.

use alt_diagnostic::Severity;

use crate::context::Context;
use crate::refusals::RefusalKind;
use crate::rule::{ALT, ANY, Reporter, Rule};

pub(super) const MISALIGNED_SITE: Rule = Rule {
    id: "misaligned-site",
    severity: Severity::Error,
    formats: ANY,
    summary: "The address of a site is a multiple of 4.",
    advice: "Keep data of odd length out of the code before the site, or align after it.",
    check: |_, reporter| reporter.refusals(RefusalKind::MisalignedSite),
};

pub(super) const SITE_OUTSIDE_TEXT: Rule = Rule {
    id: "site-outside-text",
    severity: Severity::Error,
    formats: ANY,
    summary: "A site is inside executable text.",
    advice: "Put the site into a section of the kernel's text, with the flag \"x\".",
    check: |context, reporter| {
        reporter.refusals(RefusalKind::SiteOutsideText);
        in_gaps(context, reporter);
    },
};

pub(super) const BAD_LENGTH: Rule = Rule {
    id: "bad-length",
    severity: Severity::Error,
    formats: ANY,
    summary: "The length of a site and of its replacement is at least one instruction.",
    advice: "Write the site with the macros: they count its instructions.",
    check: |_, reporter| reporter.refusals(RefusalKind::BadLength),
};

pub(super) const LENGTHS_DIFFER: Rule = Rule {
    id: "lengths-differ",
    severity: Severity::Error,
    formats: ANY,
    summary: "All records of a site state the same length; in Linux's format, its replacements have that length too.",
    advice: "Write all arms in one site with the macros: they count its instructions.",
    check: |_, reporter| reporter.refusals(RefusalKind::LengthsDiffer),
};

pub(super) const UNEXPECTED_WORD: Rule = Rule {
    id: "unexpected-word",
    severity: Severity::Error,
    formats: ALT,
    summary: "The site of a branch holds the NOP or the B that its record implies.",
    advice: "Run tools that modify code before the link, or exclude sites.",
    check: |_, reporter| reporter.refusals(RefusalKind::UnexpectedWord),
};

pub(super) const BREAKPOINT: Rule = Rule {
    id: "breakpoint",
    severity: Severity::Error,
    formats: ANY,
    summary: "The site of an alternative holds no BRK or HLT.",
    advice: "Branch from the default to a BRK outside of the site.",
    check: |_, reporter| reporter.refusals(RefusalKind::Breakpoint),
};

pub(super) const BRANCH_OUTSIDE_TEXT: Rule = Rule {
    id: "branch-outside-text",
    severity: Severity::Error,
    formats: ALT,
    summary: "The branch of a branch site stays in the text.",
    advice: "Keep the label in the same function as the site.",
    check: |_, reporter| reporter.refusals(RefusalKind::BranchOutsideText),
};

/// Reports sites in gaps between sections of text: the patcher takes the text as one range.
fn in_gaps(context: &Context<'_>, reporter: &mut Reporter<'_>) {
    for site in context.records.sites() {
        let (at, len) = (site.address(), u64::from(site.len()));
        if !context.image.is_text_for(at, len) && !context.refusals.has(at) {
            reporter.report(at, "the site is not inside one executable section");
        }
    }
}
