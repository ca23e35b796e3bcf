//! Findings.

use std::fmt;

use serde::Serialize;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The kernel works.
    Warning,
    /// The patcher would refuse the image, or the kernel would misbehave.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The id of the rule.
    pub rule: &'static str,
    /// The severity.
    pub severity: Severity,
    /// The address of a site, an instruction or a table; 0 for the whole image.
    #[serde(serialize_with = "alt_image::hex::address::serialize")]
    pub address: u64,
    /// The address as symbol and offset.
    pub symbol: Option<String>,
    /// The cpucap, if it is about one.
    pub cap: Option<String>,
    /// The problem, in a sentence.
    pub explanation: String,
    /// How to fix it.
    pub advice: &'static str,
    /// The path from one place to another, if the finding is about a path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
}

impl Finding {
    /// The place, if it has one: `0x40200010, main+0x10, cpucap LSE`.
    pub fn place(&self) -> Option<String> {
        let address = (self.address != 0).then(|| format!("{:#x}", self.address));
        let cap = self.cap.as_ref().map(|cap| format!("cpucap {cap}"));
        let place = [address, self.symbol.clone(), cap].into_iter().flatten();
        let place: Vec<_> = place.collect();
        (!place.is_empty()).then(|| place.join(", "))
    }

    /// The steps of the path, each with its label.
    pub fn steps(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let words = std::iter::once("from:").chain(std::iter::repeat("  to:"));
        words.zip(self.path.iter().map(String::as_str))
    }
}

impl fmt::Display for Finding {
    /// Several lines, in the form of a compiler error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}[{}]: {}", self.severity, self.rule, self.explanation)?;
        if let Some(place) = self.place() {
            writeln!(f, "  at: {place}")?;
        }
        for (word, step) in self.steps() {
            writeln!(f, "  {word} {step}")?;
        }
        write!(f, "  help: {}", self.advice)
    }
}
