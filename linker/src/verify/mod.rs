//! Rules that an image must keep to, and the findings where it does not.
//!
//! A [`Rule`] looks at a [`Subject`] and reports [`Finding`]s. Each file has the rules about one
//! thing; [`rules`] gives all of them.

mod arms;
mod bounds;
mod branches;
mod callbacks;
pub mod config;
mod cpucaps;
mod data;
#[cfg(test)]
mod docs;
mod errata;
mod exclusives;
mod finding;
mod folded;
mod gaps;
mod init;
mod landing_pads;
mod layout;
mod named;
mod namespaces;
mod no_reference;
mod not_checked;
mod ours;
mod patcher;
mod patcher_code;
mod placement;
mod refusals;
mod regions;
mod relocations;
mod replacements;
mod scopes;
mod sealed;
mod subject;
mod tables;
mod veneers;
mod words;

pub use arms::MovedArm;
pub use finding::{Finding, Severity};
pub use named::Named;
pub use namespaces::{Namespace, Namespaces};
pub use not_checked::not_checked;
pub use refusals::Refusals;
pub use subject::Subject;

use crate::records::Format;

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in findings: words with hyphens.
    pub id: &'static str,
    /// How bad it is to break it.
    pub severity: Severity,
    /// The formats that it is about.
    pub formats: &'static [Format],
    /// What must be, in a sentence.
    pub summary: &'static str,
    /// What to do where it is not so.
    pub advice: &'static str,
    /// Looks for what breaks it.
    pub check: fn(&Subject<'_>, &mut Reporter<'_>),
}

/// Both formats.
pub(crate) const ANY: &[Format] = &[Format::Alt, Format::Linux];

/// Our format alone.
pub(crate) const ALT: &[Format] = &[Format::Alt];

/// All rules, by subject.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let groups = [
        patcher::RULES,
        tables::RULES,
        layout::RULES,
        placement::RULES,
        relocations::RULES,
        folded::RULES,
        patcher_code::RULES,
        callbacks::RULES,
        cpucaps::RULES,
        scopes::RULES,
        init::RULES,
        no_reference::RULES,
        regions::RULES,
        namespaces::RULES,
        sealed::RULES,
        replacements::RULES,
        data::RULES,
        branches::RULES,
        veneers::RULES,
        errata::RULES,
        landing_pads::RULES,
        exclusives::RULES,
        words::RULES,
    ];
    groups.into_iter().flatten()
}

/// Checks an image by all rules; findings by rule, then by address.
pub fn verify(subject: &Subject<'_>) -> Vec<Finding> {
    by_rules(subject, rules())
}

/// Checks an image by these rules, where they are about its format.
pub fn by_rules(
    subject: &Subject<'_>,
    rules: impl IntoIterator<Item = &'static Rule>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let formats = |rule: &&Rule| rule.formats.contains(&subject.records.format);
    for rule in rules.into_iter().filter(formats) {
        let from = findings.len();
        let mut reporter = Reporter {
            subject,
            rule,
            findings: &mut findings,
        };
        (rule.check)(subject, &mut reporter);
        findings[from..].sort_by_key(|finding: &Finding| finding.address);
    }
    findings
}

/// What a rule reports to.
pub struct Reporter<'a> {
    subject: &'a Subject<'a>,
    rule: &'static Rule,
    findings: &'a mut Vec<Finding>,
}

impl Reporter<'_> {
    /// Reports what is wrong at an address; 0 where it is about the whole image.
    pub fn report(&mut self, address: u64, explanation: impl Into<String>) {
        self.add(address, None, explanation.into(), Vec::new());
    }

    /// The same with other advice than the rule's: what to do depends on how the image was made.
    pub fn report_advice(
        &mut self,
        address: u64,
        explanation: impl Into<String>,
        advice: &'static str,
    ) {
        self.report(address, explanation);
        self.advise(advice);
    }

    /// Replaces the advice of what was reported last.
    pub fn advise(&mut self, advice: &'static str) {
        if let Some(finding) = self.findings.last_mut() {
            finding.advice = advice;
        }
    }

    /// Reports what is wrong with a site, or with the arm of a cpucap.
    pub fn report_cap(&mut self, address: u64, cap: u16, explanation: impl Into<String>) {
        let cap = self.subject.names.label(cap);
        self.add(address, Some(cap), explanation.into(), Vec::new());
    }

    /// Reports a place that must not be reached, and how it is.
    pub fn report_path(&mut self, address: u64, explanation: impl Into<String>, path: Vec<String>) {
        self.add(address, None, explanation.into(), path);
    }

    /// Reports a site that must not be reached, and how it is.
    pub fn report_cap_path(
        &mut self,
        address: u64,
        cap: u16,
        explanation: impl Into<String>,
        path: Vec<String>,
    ) {
        let cap = self.subject.names.label(cap);
        self.add(address, Some(cap), explanation.into(), path);
    }

    fn add(&mut self, address: u64, cap: Option<String>, explanation: String, path: Vec<String>) {
        let place = self.subject.image.place(address);
        self.findings.push(Finding {
            rule: self.rule.id,
            severity: self.rule.severity,
            address,
            symbol: place.map(|place| place.to_string()),
            cap,
            explanation,
            advice: self.rule.advice,
            path,
        });
    }
}
