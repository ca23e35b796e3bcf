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
    #[serde(serialize_with = "crate::hex::address::serialize")]
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
