//! Rules that a linked image must obey, and the findings where it does not.
//!
//! A [`Rule`] checks a [`Context`], an image with all that is computed once for all rules, and
//! reports [`Diagnostic`]s. Each file of the folder `rules` has the rules about one subject;
//! [`rules`] lists all of them.

mod arms;
mod bounds;
mod check;
pub mod config;
mod context;
#[cfg(test)]
mod docs;
mod namespaces;
mod not_checked;
mod ours;
mod refusals;
mod rule;
mod rules;
pub mod seal;

pub use alt_diagnostic::{Diagnostic, Location, Severity};
pub use arms::MovedArm;
pub use check::{CheckError, check_image, check_image_by};
pub use config::Named;
pub use context::Context;
pub use namespaces::{Namespace, Namespaces};
pub use not_checked::not_checked;
pub use refusals::{Refusal, RefusalKind, Refusals};
pub use rule::{Reporter, Rule};
pub use rules::rules;

/// Checks an image by all rules; findings by rule, then by address.
pub fn verify(context: &Context<'_>) -> Vec<Diagnostic> {
    by_rules(context, rules())
}

/// Checks an image by the given rules, as far as they apply to its format.
pub fn by_rules(
    context: &Context<'_>,
    rules: impl IntoIterator<Item = &'static Rule>,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let formats = |rule: &&Rule| rule.formats.contains(&context.records.format);
    for rule in rules.into_iter().filter(formats) {
        let from = findings.len();
        let mut reporter = Reporter {
            context,
            rule,
            findings: &mut findings,
        };
        (rule.check)(context, &mut reporter);
        findings[from..].sort_by_key(Diagnostic::address);
    }
    findings
}

/// The examples of the package's page are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
