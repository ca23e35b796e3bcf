//! What is wrong with an image.

use std::fmt;

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It works, and is worth a look.
    Warning,
    /// The kernel would be refused by its patcher, or go wrong.
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

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule that it breaks.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where: a site, an instruction, a table. 0 where it is about the whole image.
    #[serde(serialize_with = "alt_image::hex::address::serialize")]
    pub address: u64,
    /// The place as people name it.
    pub symbol: Option<String>,
    /// The cpucap, where it is about one.
    pub cap: Option<String>,
    /// What is wrong, in a sentence.
    pub explanation: String,
    /// What to do about it.
    pub advice: &'static str,
    /// How execution or data comes from one place to another, where that is the point.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
}

impl Finding {
    /// Where it is, as far as it is somewhere: `0x40200010, main+0x10, cpucap LSE`.
    pub fn place(&self) -> Option<String> {
        let address = (self.address != 0).then(|| format!("{:#x}", self.address));
        let cap = self.cap.as_ref().map(|cap| format!("cpucap {cap}"));
        let place = [address, self.symbol.clone(), cap].into_iter().flatten();
        let place: Vec<_> = place.collect();
        (!place.is_empty()).then(|| place.join(", "))
    }

    /// The path, each step behind the word for it.
    pub fn steps(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let words = std::iter::once("from:").chain(std::iter::repeat("  to:"));
        words.zip(self.path.iter().map(String::as_str))
    }
}

impl fmt::Display for Finding {
    /// Several lines, as a compiler would.
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
