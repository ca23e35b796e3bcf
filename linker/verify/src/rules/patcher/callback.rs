//! Callbacks that the patcher would refuse.

use alt_diagnostic::Severity;

use crate::refusals::RefusalKind;
use crate::rule::{ALT, ANY, Rule};

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
