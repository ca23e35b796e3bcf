//! A rule, and the reporter through which it makes its findings.

use alt_diagnostic::{Diagnostic, Location, Severity};
use alt_image::records::Format;

use crate::context::Context;
use crate::refusals::RefusalKind;

/// A rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in findings: words joined by hyphens.
    pub id: &'static str,
    /// The severity of its findings.
    pub severity: Severity,
    /// The formats to which it applies.
    pub formats: &'static [Format],
    /// The requirement, in a sentence.
    pub summary: &'static str,
    /// How to fix a violation.
    pub advice: &'static str,
    /// Checks the image and reports violations.
    pub check: fn(&Context<'_>, &mut Reporter<'_>),
}

/// Both formats.
pub(crate) const ANY: &[Format] = &[Format::Alt, Format::Linux];

/// Our format alone.
pub(crate) const ALT: &[Format] = &[Format::Alt];

/// Collects the findings of a rule.
pub struct Reporter<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) rule: &'static Rule,
    pub(crate) findings: &'a mut Vec<Diagnostic>,
}

impl Reporter<'_> {
    /// Reports a violation at an address; 0 for the whole image.
    pub fn report(&mut self, address: u64, message: impl Into<String>) {
        self.add(address, None, message.into(), Vec::new());
    }

    /// Reports a violation with other advice than that of the rule.
    pub fn report_advice(
        &mut self,
        address: u64,
        message: impl Into<String>,
        advice: &'static str,
    ) {
        self.report(address, message);
        self.advise(advice);
    }

    /// Replaces the advice of the last finding.
    pub fn advise(&mut self, advice: &'static str) {
        if let Some(finding) = self.findings.last_mut() {
            finding.help = advice.into();
        }
    }

    /// Reports a violation of a site, or of the arm of a cpucap.
    pub fn report_cap(&mut self, address: u64, cap: u16, message: impl Into<String>) {
        let cap = self.context.names.label(cap);
        self.add(address, Some(cap), message.into(), Vec::new());
    }

    /// Reports a place that must not be reachable, with the path to it.
    pub fn report_path(&mut self, address: u64, message: impl Into<String>, path: Vec<String>) {
        self.add(address, None, message.into(), path);
    }

    /// Reports a site that must not be reachable, with the path to it.
    pub fn report_cap_path(
        &mut self,
        address: u64,
        cap: u16,
        message: impl Into<String>,
        path: Vec<String>,
    ) {
        let cap = self.context.names.label(cap);
        self.add(address, Some(cap), message.into(), path);
    }

    /// Reports the sites that the patcher refuses for a reason of this kind.
    pub(crate) fn refusals(&mut self, kind: RefusalKind) {
        self.refusals_advice(kind, self.rule.advice);
    }

    /// As [`refusals`](Self::refusals), with other advice than that of the rule.
    pub(crate) fn refusals_advice(&mut self, kind: RefusalKind, advice: &'static str) {
        let context = self.context;
        for refusal in context.refusals.of(kind) {
            let cap = refusal.cap.map(|cap| context.names.label(cap));
            self.add(refusal.site, cap, refusal.reason.clone(), Vec::new());
            self.advise(advice);
        }
    }

    fn add(&mut self, address: u64, cap: Option<String>, message: String, path: Vec<String>) {
        let symbol = self.context.image.place(address);
        let symbol = symbol.map(|place| place.to_string());
        let known = address != 0 || symbol.is_some();
        self.findings.push(Diagnostic {
            location: known.then_some(Location::Image { address, symbol }),
            cap,
            path,
            help: self.rule.advice.into(),
            ..Diagnostic::new(self.rule.id, self.rule.severity, message)
        });
    }
}
