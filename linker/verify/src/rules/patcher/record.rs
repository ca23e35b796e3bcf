//! Conditions and callbacks of records that the patcher would refuse.

use alt_diagnostic::Severity;

use crate::refusals::RefusalKind;
use crate::rule::{ALT, ANY, Rule};

pub(super) const UNKNOWN_CAP: Rule = Rule {
    id: "unknown-cap",
    severity: Severity::Error,
    formats: ANY,
    summary: "Every record names an existing cpucap.",
    advice: "Build all objects with the same list of cpucaps, and give that list to `alt`.",
    check: |_, reporter| reporter.refusals(RefusalKind::UnknownCap),
};

pub(super) const DANGLING_AND: Rule = Rule {
    id: "dangling-and",
    severity: Severity::Error,
    formats: ALT,
    summary: "The record after an `&` belongs to the same site.",
    advice: "Write `A & B` with the macros: they emit both records.",
    check: |_, reporter| reporter.refusals(RefusalKind::DanglingAnd),
};

pub(super) const UNREGISTERED_CALLBACK: Rule = Rule {
    id: "unregistered-callback",
    severity: Severity::Error,
    formats: ALT,
    summary: "A record refers to a callback of the image.",
    advice: "Define it by `callback!`.",
    check: |_, reporter| reporter.refusals(RefusalKind::UnregisteredCallback),
};

pub(super) const CALLBACK_LENGTH: Rule = Rule {
    id: "callback-length",
    severity: Severity::Error,
    formats: ANY,
    summary: "A callback fills its whole site, and its record has no instructions.",
    advice: "Write the site with `alternative_cb!`, which counts its instructions.",
    check: |_, reporter| reporter.refusals(RefusalKind::CallbackLength),
};
