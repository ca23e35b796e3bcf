//! A difference as text and as JSON.

use std::fmt;

use alt_verify::{Diagnostic, Location, Severity};
use serde::{Serialize, Serializer};

use super::Diff;
use super::change::What;
use super::refusal::Refusal;

/// A difference as a document.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The functions and statics that differ.
    pub changes: Vec<Entry>,
    /// Changes that cannot be patched: the rule is the code of the refusal.
    #[serde(serialize_with = "refusals")]
    pub refusals: Vec<Diagnostic>,
    /// The result: `none`, `patchable` or `refused`.
    pub result: Outcome,
}

/// A function or static that differs.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// How it differs.
    pub what: What,
    /// `function` or `static`.
    pub kind: &'static str,
    /// Its name, demangled.
    pub name: String,
    /// Its symbol, mangled: of the old build, or of the new one for a new function.
    pub symbol: String,
    /// Why.
    pub reasons: Vec<String>,
    /// Its address in the old image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<u64>,
    /// Its size in bytes in the old build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_size: Option<u64>,
    /// Its size in bytes in the new build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_size: Option<u64>,
}

/// A refusal as a document.
#[derive(Serialize)]
struct Refused<'a> {
    code: &'a str,
    subject: &'a str,
    message: &'a str,
    help: &'a str,
}

fn refusals<S: Serializer>(findings: &[Diagnostic], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(findings.iter().map(|finding| Refused {
        code: finding.rule,
        subject: match &finding.location {
            Some(Location::Part { name, .. }) => name,
            _ => "",
        },
        message: &finding.message,
        help: &finding.help,
    }))
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing that has an effect differs.
    None,
    /// All that differs can be patched.
    Patchable,
    /// Something cannot be patched.
    Refused,
}

impl Report {
    /// The document of a difference.
    pub fn new(diff: &Diff<'_>) -> Self {
        let entries = diff.changes().iter().map(|change| {
            let old = change.old.map(|id| diff.old().atom(id));
            let new = change.new.map(|id| diff.new().atom(id));
            Entry {
                what: change.what,
                kind: if change.function {
                    "function"
                } else {
                    "static"
                },
                name: change.name.clone(),
                symbol: old
                    .or(new)
                    .map(|atom| atom.name().to_owned())
                    .unwrap_or_default(),
                reasons: change.reasons.iter().map(ToString::to_string).collect(),
                address: old.and_then(|atom| atom.address),
                old_size: old.map(|atom| atom.size),
                new_size: new.map(|atom| atom.size),
            }
        });
        Self {
            changes: entries.collect(),
            refusals: diff.refusals().iter().map(Diagnostic::from).collect(),
            result: match (diff.refusals().is_empty(), diff.is_functional()) {
                (false, _) => Outcome::Refused,
                (true, true) => Outcome::Patchable,
                (true, false) => Outcome::None,
            },
        }
    }

    /// The document of builds that cannot be compared.
    pub fn refused(refusals: &[Refusal]) -> Self {
        Self {
            changes: Vec::new(),
            refusals: refusals.iter().map(Diagnostic::from).collect(),
            result: Outcome::Refused,
        }
    }

    /// Adds why a payload of the difference cannot be built.
    pub fn refuse(&mut self, why: &impl fmt::Display) {
        let why = why.to_string();
        self.refusals
            .push(Diagnostic::new("payload", Severity::Error, why));
        self.result = Outcome::Refused;
    }

    /// The number of functions that differ so.
    fn functions(&self, what: What) -> usize {
        let of = |entry: &&Entry| entry.what == what && entry.kind == "function";
        self.changes.iter().filter(of).count()
    }

    /// The last line: the counts.
    pub fn summary(&self) -> String {
        let moved = self.functions(What::Moved);
        if self.result == Outcome::None {
            return match moved {
                0 => "no functional change".to_owned(),
                moved => format!("no functional change; {moved} functions moved lines only"),
            };
        }
        let refused = match self.refusals.len() {
            0 => "all can be patched".to_owned(),
            1 => "1 reason not to patch".to_owned(),
            many => format!("{many} reasons not to patch"),
        };
        format!(
            "functions: {} changed, {} new, {} removed, {moved} moved lines only; {refused}",
            self.functions(What::Changed),
            self.functions(What::New),
            self.functions(What::Removed),
        )
    }
}

impl From<&Refusal> for Diagnostic {
    fn from(refusal: &Refusal) -> Self {
        let name = refusal.subject().to_owned();
        Self {
            location: Some(Location::Part { name, file: None }),
            help: refusal.help().into(),
            ..Self::new(refusal.code(), Severity::Error, refusal.to_string())
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} ", self.what)?;
        if self.kind == "static" {
            f.write_str("static ")?;
        }
        f.write_str(&self.name)?;
        if !self.reasons.is_empty() {
            write!(f, ": {}", self.reasons.join(", "))?;
        }
        Ok(())
    }
}
