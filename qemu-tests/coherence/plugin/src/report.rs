//! The report: one line for each violation, written at once, and the counts at the end.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use coherence::{End, Line, Missing, Violation, When};

/// Largest number of violations in the report; all are counted.
const MAX_LINES: usize = 1000;

pub struct Report {
    file: File,
    found: HashSet<(When, u32, u64, Missing)>,
    problems: HashSet<String>,
}

impl Report {
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::create(path)?,
            found: HashSet::new(),
            problems: HashSet::new(),
        })
    }

    /// Writes a violation, unless it has been written before.
    pub fn violation(&mut self, violation: Violation) {
        let Violation {
            when,
            cpu,
            word,
            missing,
            ..
        } = violation;
        if self.found.insert((when, cpu, word, missing)) && self.found.len() <= MAX_LINES {
            self.write(&Line::Violation(violation));
        }
    }

    /// Writes, once, why the plugin misses events.
    pub fn problem(&mut self, problem: String) {
        if self.problems.insert(problem.clone()) {
            self.write(&Line::Problem(problem));
        }
    }

    pub fn end(&mut self, mut end: End) {
        end.violations = self.found.len() as u64;
        self.write(&Line::End(end));
    }

    fn write(&mut self, line: &Line) {
        // The reader refuses a report without its end, so a failure here is noticed.
        if let Ok(line) = serde_json::to_string(line) {
            let _ = self.file.write_all((line + "\n").as_bytes());
        }
    }
}
