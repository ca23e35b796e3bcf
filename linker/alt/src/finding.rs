//! Findings on a terminal, and as JSON.
//!
//! The keys of JSON are those of each command's documents.

use std::io::{self, Write};

use alt_diagnostic::{Diagnostic, Location, Severity};
use alt_image::style;
use serde::Serialize;

/// Writes a finding with colours; the text is that of its `Display`.
pub fn show(out: &mut dyn Write, finding: &Diagnostic) -> io::Result<()> {
    let severity = match finding.severity {
        Severity::Error => style::bad(finding.severity),
        Severity::Warning => style::doubtful(finding.severity),
        Severity::Note => style::dim(finding.severity),
    };
    writeln!(out, "{severity}[{}]: {}", finding.rule, finding.message)?;
    for (label, text) in finding.lines() {
        writeln!(out, "  {} {text}", style::dim(&label))?;
    }
    Ok(())
}

/// A finding of `alt verify --json`.
#[derive(Serialize)]
pub struct ImageFinding<'a> {
    rule: &'a str,
    severity: &'a str,
    /// 0 for the whole image.
    #[serde(serialize_with = "alt_image::hex::address::serialize")]
    address: u64,
    symbol: Option<&'a str>,
    cap: Option<&'a str>,
    explanation: &'a str,
    advice: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    path: &'a [String],
}

impl<'a> From<&'a Diagnostic> for ImageFinding<'a> {
    fn from(finding: &'a Diagnostic) -> Self {
        Self {
            rule: finding.rule,
            severity: finding.severity.name(),
            address: finding.address().unwrap_or_default(),
            symbol: finding.symbol(),
            cap: finding.cap.as_deref(),
            explanation: &finding.message,
            advice: &finding.help,
            path: &finding.path,
        }
    }
}

/// A finding of `alt reach --json`.
#[derive(Serialize)]
pub struct ReachFinding<'a> {
    kind: &'a str,
    file: &'a str,
    section: &'a str,
    offset: u64,
    function: Option<&'a str>,
    instruction: &'a str,
    symbol: &'a str,
    defined: Option<&'a str>,
    distance: Option<i64>,
    explanation: &'a str,
    advice: &'a str,
}

impl<'a> From<&'a Diagnostic> for ReachFinding<'a> {
    fn from(finding: &'a Diagnostic) -> Self {
        let (file, section, offset, function) = match &finding.location {
            Some(Location::Object {
                file,
                section,
                offset,
                function,
            }) => (
                file.as_str(),
                section.as_str(),
                *offset,
                function.as_deref(),
            ),
            // The lint reports no other places.
            _ => ("", "", 0, None),
        };
        let reference = finding.reference.as_ref();
        Self {
            kind: finding.rule,
            file,
            section,
            offset,
            function,
            instruction: reference.map_or("", |reference| &reference.instruction),
            symbol: reference.map_or("", |reference| &reference.symbol),
            defined: reference.and_then(|reference| reference.defined.as_deref()),
            distance: reference.and_then(|reference| reference.distance),
            explanation: &finding.message,
            advice: &finding.help,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_an_image_finding() {
        let mut finding = Diagnostic {
            location: Some(Location::Image {
                address: 0x4020_0010,
                symbol: Some("memcpy+0x10".into()),
            }),
            cap: Some("LSE".into()),
            help: "do this".into(),
            ..Diagnostic::new("a-rule", Severity::Warning, "it is wrong")
        };
        let json = |finding: &Diagnostic| {
            serde_json::to_string(&ImageFinding::from(finding)).expect("a finding is JSON")
        };
        let expected = r#"{"rule":"a-rule","severity":"warning","address":"0x40200010","symbol":"memcpy+0x10","cap":"LSE","explanation":"it is wrong","advice":"do this"}"#;
        assert_eq!(json(&finding), expected);
        finding.path = vec!["a".into(), "b".into()];
        finding.cap = None;
        finding.location = None;
        let expected = r#"{"rule":"a-rule","severity":"warning","address":"0x0","symbol":null,"cap":null,"explanation":"it is wrong","advice":"do this","path":["a","b"]}"#;
        assert_eq!(json(&finding), expected);
    }

    /// With colours taken away, it is the text of the library.
    #[test]
    fn text_is_that_of_display() {
        let finding = Diagnostic {
            path: vec!["a".into(), "b".into()],
            help: "do this".into(),
            ..Diagnostic::new("a-rule", Severity::Error, "it is wrong")
        };
        let mut out = anstream::StripStream::new(Vec::new());
        show(&mut out, &finding).unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        assert_eq!(text, format!("{finding}\n"));
    }
}
