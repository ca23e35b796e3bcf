//! A finding, its severity, and its text.

use std::borrow::Cow;
use std::fmt;

use crate::location::Location;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is wrong, and something could be better.
    Note,
    /// The kernel works.
    Warning,
    /// The link fails, the patcher would refuse the image, or the kernel would misbehave.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The id of the rule: words joined by hyphens.
    pub rule: &'static str,
    /// The severity.
    pub severity: Severity,
    /// The location; `None` if the finding is about the whole image or link.
    pub location: Option<Location>,
    /// The cpucap, if the finding is about one.
    pub cap: Option<String>,
    /// The instruction and the symbol that it refers to, if the finding is about a reference.
    pub reference: Option<Reference>,
    /// The problem, in a sentence.
    pub message: String,
    /// The path of references from one place to another, if the finding is about a path.
    pub path: Vec<String>,
    /// How to fix it.
    pub help: Cow<'static, str>,
}

/// An instruction that refers to a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The instruction, with the name of its target.
    pub instruction: String,
    /// The symbol that it refers to, demangled.
    pub symbol: String,
    /// The definition of the symbol: input file and section.
    pub defined: Option<String>,
    /// The distance to the target in bytes, if it is known before the link.
    pub distance: Option<i64>,
}

impl Diagnostic {
    /// A finding about the whole image or link, without help.
    pub fn new(rule: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity,
            location: None,
            cap: None,
            reference: None,
            message: message.into(),
            path: Vec::new(),
            help: Cow::Borrowed(""),
        }
    }

    /// The address, if the location is in an image.
    pub fn address(&self) -> Option<u64> {
        match self.location {
            Some(Location::Image { address, .. }) => Some(address),
            _ => None,
        }
    }

    /// The symbol of the address, if the location is in an image.
    pub fn symbol(&self) -> Option<&str> {
        match &self.location {
            Some(Location::Image { symbol, .. }) => symbol.as_deref(),
            _ => None,
        }
    }

    /// The lines below the message, each as label and text: the location with the cpucap, the
    /// definition of the symbol, the path, the help.
    ///
    /// A message about a [part](Location::Part) that contains the location has no line for it.
    pub fn lines(&self) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        let mut lines = Vec::new();
        if let Some(location) = self.location_line() {
            lines.push(("at:".into(), location.into()));
        }
        if let Some(reference) = &self.reference
            && let Some(defined) = &reference.defined
        {
            let label = format!("{} is in:", reference.symbol);
            lines.push((label.into(), defined.into()));
        }
        let labels = std::iter::once("from:").chain(std::iter::repeat("  to:"));
        for (label, step) in labels.zip(&self.path) {
            lines.push((label.into(), step.into()));
        }
        if !self.help.is_empty() {
            lines.push(("help:".into(), self.help.as_ref().into()));
        }
        lines
    }

    /// `0x40200010, main+0x10, cpucap LSE`; `None` if the finding has no location and no cpucap.
    fn location_line(&self) -> Option<String> {
        let location = self.location.as_ref().map(Location::to_string);
        if let (Some(Location::Part { .. }), Some(location)) = (&self.location, &location)
            && self.message.contains(location)
        {
            return None;
        }
        let cap = self.cap.as_ref().map(|cap| format!("cpucap {cap}"));
        let parts = [location, cap].into_iter().flatten();
        let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl fmt::Display for Diagnostic {
    /// Several lines, in the form of a compiler error.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity, self.rule, self.message)?;
        for (label, text) in self.lines() {
            write!(f, "\n  {label} {text}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_an_image() {
        let finding = Diagnostic {
            location: Some(Location::Image {
                address: 0x4020_0010,
                symbol: Some("memcpy+0x10".into()),
            }),
            cap: Some("LSE".into()),
            path: vec!["a".into(), "b".into(), "c".into()],
            help: "do this".into(),
            ..Diagnostic::new("a-rule", Severity::Warning, "in two\nlines")
        };
        let text = "warning[a-rule]: in two\nlines\n  at: 0x40200010, memcpy+0x10, cpucap LSE\n  \
                    from: a\n    to: b\n    to: c\n  help: do this";
        assert_eq!(finding.to_string(), text);
        assert_eq!(finding.address(), Some(0x4020_0010));
        assert_eq!(finding.symbol(), Some("memcpy+0x10"));
    }

    #[test]
    fn text_without_a_location() {
        let whole = Diagnostic::new("a-rule", Severity::Error, "it is wrong");
        assert_eq!(whole.to_string(), "error[a-rule]: it is wrong");
        assert_eq!((whole.address(), whole.symbol()), (None, None));
        let at = |address, symbol: Option<&str>, cap: Option<&str>| {
            let symbol = symbol.map(Into::into);
            Diagnostic {
                location: Some(Location::Image { address, symbol }),
                cap: cap.map(Into::into),
                ..whole.clone()
            }
            .location_line()
        };
        assert_eq!(at(0, None, None), None);
        assert_eq!(at(0, None, Some("LSE")).as_deref(), Some("cpucap LSE"));
        assert_eq!(at(0, Some("start"), None).as_deref(), Some("start"));
        assert_eq!(at(0x80, None, None).as_deref(), Some("0x80"));
    }

    #[test]
    fn text_of_an_object() {
        let mut finding = Diagnostic {
            location: Some(Location::Object {
                file: "entry.o".into(),
                section: ".text".into(),
                offset: 16,
                function: Some("main+0x4".into()),
            }),
            reference: Some(Reference {
                instruction: "cbz x0, target".into(),
                symbol: "target".into(),
                defined: Some("b.o, section .text.b".into()),
                distance: None,
            }),
            help: "do this".into(),
            ..Diagnostic::new("too-far", Severity::Error, "it is too far")
        };
        let text = "error[too-far]: it is too far\n  at: entry.o: .text+0x10 (main+0x4)\n  \
                    target is in: b.o, section .text.b\n  help: do this";
        assert_eq!(finding.to_string(), text);
        if let Some(Location::Object { function, .. }) = &mut finding.location {
            *function = None;
        }
        assert!(
            finding
                .to_string()
                .contains("\n  at: entry.o: .text+0x10\n")
        );
    }

    #[test]
    fn message_that_contains_the_part_has_no_line_for_it() {
        let finding = |file: Option<&str>, message: &str| Diagnostic {
            location: Some(Location::Part {
                name: "f+0x4".into(),
                file: file.map(Into::into),
            }),
            ..Diagnostic::new("a-rule", Severity::Error, message)
        };
        for (file, message, line) in [
            (Some("a.o"), "symbol", "\n  at: f+0x4 of a.o"),
            (None, "symbol", "\n  at: f+0x4"),
            (Some("a.o"), "it is at f+0x4 of a.o: why", ""),
            (None, "f+0x4", ""),
        ] {
            let text = finding(file, message).to_string();
            assert_eq!(text, format!("error[a-rule]: {message}{line}"));
        }
    }
}
