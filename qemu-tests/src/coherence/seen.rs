//! The plugin's report, with addresses resolved to symbols of the image.

use super::{Counts, Missing, Ops, When};
use crate::{Error, Image, Result};
use coherence::{End, Line};
use std::{collections::BTreeMap, fmt, fs, path::Path};

/// The plugin's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The first violations, without duplicates, in the order in which they happened.
    pub violations: Vec<Violation>,
    /// Number of all violations.
    pub found: u64,
    /// Operations of each CPU.
    pub cpus: Vec<Ops>,
    /// Instructions and operations of each region, by its name: the regions of the configuration,
    /// and `commit` and `wait_if_requested`, the routines of `alt-runtime`, if the image contains
    /// them.
    pub regions: BTreeMap<String, Counts>,
    /// Stores into the text of the image.
    pub stores: u64,
    /// Executions of words that had been written before.
    pub executions: u64,
    /// Maintenance by addresses that were never accessed nor executed from. The plugin cannot
    /// translate them, so it ignores that maintenance.
    pub untranslated: u64,
}

/// A word whose new value a CPU might not have executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The event at which the violation was found.
    pub when: When,
    /// The CPU that did it.
    pub cpu: u32,
    /// The virtual address that it executed: that of the word, or the return address of the
    /// routine.
    pub pc: u64,
    /// The first step that is missing.
    pub missing: Missing,
    /// The word's physical address.
    pub word: u64,
    /// The word, by symbol, if it is in the image.
    pub place: Option<String>,
    /// The CPU that stored it.
    pub stored_by: u32,
    /// The virtual address that it was stored through.
    pub stored_at: u64,
}

impl Seen {
    /// Reads a report.
    pub(crate) fn read(report: &Path, image: &Image) -> Result<Self> {
        let text = fs::read_to_string(report).map_err(Error::io("reading the plugin's report"))?;
        Self::parse(&text, image)
    }

    fn parse(text: &str, image: &Image) -> Result<Self> {
        let cannot = |problem: String| Error::Coherence { problem };
        let mut violations = Vec::new();
        let mut end = None;
        for line in text.lines() {
            let line = serde_json::from_str(line)
                .map_err(|why| cannot(format!("its report has the line `{line}`: {why}")))?;
            match line {
                Line::Violation(violation) => violations.push(Violation::new(violation, image)),
                Line::Problem(problem) => return Err(cannot(problem)),
                Line::End(last) => end = Some(last),
            }
        }
        let Some(end) = end else {
            return Err(cannot(
                "its report is incomplete; did QEMU exit early?".into(),
            ));
        };
        if end.translated == 0 {
            let problem = "none of the text was executed; is the image linked to where it runs?";
            return Err(cannot(problem.into()));
        }
        let End {
            cpus,
            regions,
            violations: found,
            stores,
            executions,
            untranslated,
            ..
        } = end;
        Ok(Self {
            violations,
            found,
            cpus,
            regions,
            stores,
            executions,
            untranslated,
        })
    }
}

impl Violation {
    fn new(violation: coherence::Violation, image: &Image) -> Self {
        let place = image.place(violation.word);
        Self {
            when: violation.when,
            cpu: violation.cpu,
            pc: violation.pc,
            missing: violation.missing,
            word: violation.word,
            place: place.map(|place| place.to_string()),
            stored_by: violation.stored_by,
            stored_at: violation.stored_at.0,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, pc, word, .. } = self;
        let place = self.place.as_deref().unwrap_or("outside of the image");
        match self.when {
            When::Executed => write!(f, "CPU {cpu} executed {place} at {pc:#x}")?,
            When::Returned => write!(f, "CPU {cpu} returned to {pc:#x}, with {place}")?,
            When::Interrupted => {
                let missing = self.missing;
                return write!(
                    f,
                    "CPU {cpu} took an exception to {pc:#x} in {place}: {missing}"
                );
            }
        }
        write!(
            f,
            ", the word at {word:#x} that CPU {} stored through {:#x}: {}",
            self.stored_by, self.stored_at, self.missing
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coherence::OpKind;
    use test_support::TinyElf;

    const END: &str = r#"{"end":{"cpus":[{"isb":2}],"regions":{},"violations":1,"translated":9,"stores":1,"executions":3,"untranslated":0}}"#;
    const VIOLATION: &str = r#"{"violation":{"when":"executed","cpu":1,"pc":1075838980,"word":1075838980,"missing":"synchronise","stored_by":0,"stored_at":550831652868}}"#;

    fn parse(text: &str) -> Result<Seen> {
        let (_directory, path) = TinyElf::new(&[]).write();
        Seen::parse(text, &Image::open(&path)?)
    }

    #[test]
    fn violation_is_said_in_full() {
        assert_eq!(TinyElf::TEXT, 1_075_838_976);
        let seen = parse(&format!("{VIOLATION}\n{END}\n")).unwrap();
        assert_eq!((seen.found, seen.executions), (1, 3));
        assert_eq!(seen.cpus[0][&OpKind::Isb], 2);
        assert_eq!(
            seen.violations[0].to_string(),
            "CPU 1 executed tiny::entry+0x4 at 0x40200004, the word at 0x40200004 that CPU 0 \
             stored through 0x8040200004: no ISB on the executing CPU after the last DSB"
        );
    }

    #[test]
    fn interruption_is_said_without_a_store() {
        let line = r#"{"violation":{"when":"interrupted","cpu":2,"pc":1075840640,"word":1075838980,"missing":"mask","stored_by":2,"stored_at":1075838980}}"#;
        let seen = parse(&format!("{line}\n{END}\n")).unwrap();
        assert_eq!(
            seen.violations[0].to_string(),
            "CPU 2 took an exception to 0x40200680 in tiny::entry+0x4: it was not masked while \
             words change"
        );
    }

    #[test]
    fn incomplete_reports_are_refused() {
        let problem = r#"{"problem":"CTR_EL0 cannot be read"}"#;
        let blind = END.replace("\"translated\":9", "\"translated\":0");
        for (text, reason) in [
            (VIOLATION.to_owned(), "is incomplete"),
            (format!("{problem}\n{END}"), "CTR_EL0"),
            ("{\"other\":1}".to_owned(), "has the line"),
            (blind, "none of the text was executed"),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(matches!(error, Error::Coherence { .. }), "{error}");
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
