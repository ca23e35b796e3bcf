//! Findings that the user suppresses.

use std::fmt;
use std::str::FromStr;

use alt_diagnostic::Diagnostic;

use super::kind::Kind;

/// Findings that are not reported: all of a kind, or those of a kind about one symbol.
///
/// This cannot hide an error: if the target is out of range, the linker fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The kind.
    pub kind: Kind,
    /// The symbol that the instruction refers to, spelled as in findings.
    pub symbol: Option<String>,
}

impl Allow {
    /// Whether this finding is suppressed.
    pub fn covers(&self, finding: &Diagnostic) -> bool {
        let refers_to = |symbol: &String| {
            let reference = finding.reference.as_ref();
            reference.is_some_and(|reference| reference.symbol == *symbol)
        };
        self.kind.name() == finding.rule && self.symbol.as_ref().is_none_or(refers_to)
    }
}

/// There is no such kind of finding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no kind of finding `{0}`; there are {kinds}", kinds = Kind::ALL.map(Kind::name).join(", "))]
pub struct UnknownKind(String);

impl FromStr for Allow {
    type Err = UnknownKind;

    /// `KIND` or `KIND:SYMBOL`.
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let (kind, symbol) = match text.split_once(':') {
            Some((kind, symbol)) => (kind, Some(symbol.to_owned())),
            None => (text, None),
        };
        let kind = Kind::of(kind).ok_or_else(|| UnknownKind(kind.into()))?;
        Ok(Self { kind, symbol })
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.symbol {
            Some(symbol) => write!(f, "{}:{symbol}", self.kind),
            None => self.kind.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_symbol() {
        for text in ["too-far", "other-section:kernel::exit", "group-too-large:"] {
            let allow: Allow = text.parse().unwrap();
            assert_eq!(allow.to_string(), text);
        }
        let error = "far:a".parse::<Allow>().unwrap_err();
        let words = "there is no kind of finding `far`; there are other-section, too-far, \
                     group-too-large, joined-tables";
        assert_eq!(error.to_string(), words);
    }
}
