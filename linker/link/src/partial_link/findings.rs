//! The findings of the lints, by rule.

use std::fmt;

use alt_diagnostic::Diagnostic;

use super::rules::Rule;

/// All violations; the text groups them by rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings(
    /// In the order in which they were found.
    pub Vec<Diagnostic>,
);

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rules: Vec<&Diagnostic> = Vec::new();
        for finding in &self.0 {
            if !rules.iter().any(|first| first.rule == finding.rule) {
                rules.push(finding);
            }
        }
        for (index, first) in rules.into_iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n\n" };
            let heading = Rule::of(first.rule).map_or(first.rule, |rule| rule.heading);
            write!(f, "{gap}{heading}:")?;
            for finding in self.0.iter().filter(|finding| finding.rule == first.rule) {
                write!(f, "\n  {}", finding.message)?;
                let lines = finding.lines();
                // The help is the same for all findings of a rule.
                for (label, text) in lines.iter().filter(|(label, _)| label != "help:") {
                    write!(f, "\n    {label} {text}")?;
                }
            }
            write!(f, "\n  help: {}", first.help)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alt_diagnostic::Location;

    use super::super::rules::{NO_EXPORT, RELOCATION, UNDECLARED_SYMBOL};
    use super::*;

    #[test]
    fn text_by_rule() {
        let part = |name: &str, file: Option<&str>| Location::Part {
            name: name.into(),
            file: file.map(Into::into),
        };
        let undeclared = Diagnostic {
            path: vec!["init".into(), "helper".into(), "log".into()],
            ..UNDECLARED_SYMBOL.violation(part("helper+0x4", Some("a.o")), "log")
        };
        let relocation = RELOCATION.violation(part("f+0x8", None), "MOVW at f+0x8: why");
        let export = |name: &str| NO_EXPORT.violation(None, name);
        let findings = Findings(vec![export("one"), undeclared, relocation, export("two")]);
        let text = "\
exports without a definition:
  one
  two
  help: correct the name in `exports` of the manifest, or define it: #[unsafe(no_mangle)]

symbols that are not the hypervisor's own, and that its manifest does not allow:
  log
    at: helper+0x4 of a.o
    from: init
      to: helper
      to: log
  help: remove the code that leads there from the hypervisor, or add the symbol under [allow] of the \
manifest, with its permitted use

relocations that cannot be correct at the hypervisor's address:
  MOVW at f+0x8: why
  help: use PC-relative addresses (adrp and add; -C relocation-model=static), and keep absolute \
pointers in data";
        assert_eq!(findings.to_string(), text);
    }
}
