//! Results of the matrix's trials, from which a table is made: one line of JSON for each.
//!
//! The trials may run in several processes, or on several machines; their files can be joined.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{env, fs::OpenOptions, io::Write};

/// Variable with the path of the file that collects the results, one per line.
pub const FILE: &str = "QEMU_TESTS_RESULTS";

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// The result of a kernel on a machine.
    Trial(Trial),
    /// The machine was not available.
    Lacking(Lacking),
}

/// A machine that the installed QEMU cannot emulate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacking {
    /// As in [`Trial`].
    pub machine: String,
    /// The reason.
    pub reason: String,
}

/// One kernel on one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Version of QEMU.
    pub qemu: String,
    /// CPU model with its properties, and the machine's switches beyond the usual ones.
    pub machine: String,
    /// Name of the build profile.
    pub profile: String,
    /// The exception level at which the kernel was entered.
    pub entry: Entry,
    /// Its verdict.
    pub verdict: Verdict,
    /// The result for each cpucap, in the order of `cpucaps.toml`; empty if the kernel failed
    /// before detection.
    pub caps: Vec<Cap>,
}

/// The exception level at which a kernel is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// Without an EL2, `virt`'s default.
    El1,
    /// `virtualization=on`.
    El2,
}

impl Entry {
    /// Both.
    pub const ALL: [Self; 2] = [Self::El1, Self::El2];

    /// `el1` or `el2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::El1 => "el1",
            Self::El2 => "el2",
        }
    }
}

/// The verdict of a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Memory was as expected.
    Ok {
        /// Sites that were patched.
        patched: u32,
        /// Sites in the tables.
        sites: u32,
    },
    /// Memory was not as expected, or could not be read.
    Failed(String),
}

/// The result for a cpucap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// Its name.
    pub name: String,
    /// Whether the kernel has detected it.
    pub detected: bool,
    /// Sites whose condition names it.
    pub sites: u32,
    /// Number of those that changed because an arm with it won.
    pub patched: u32,
    /// Whether each of `sites` was compared from outside and was as expected.
    pub verified: bool,
}

/// Adds a line to the file that [`FILE`] names; does nothing without one.
///
/// # Errors
/// [`Error::Io`] when the file cannot be written.
pub fn note(line: &Line) -> Result<()> {
    let Some(path) = env::var_os(FILE) else {
        return Ok(());
    };
    let line = serde_json::to_string(line).map_err(|source| Error::Io {
        what: "writing a result".into(),
        source: source.into(),
    })?;
    // In one write, so that the lines of concurrent trials do not mix.
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all((line + "\n").as_bytes()))
        .map_err(Error::io("noting a result"))
}

/// The lines of a file, or of several one after the other.
///
/// # Errors
/// [`Error::Io`] with the number of the line that cannot be parsed.
pub fn read(text: &str) -> Result<Vec<Line>> {
    let lines = text.lines().enumerate();
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|source| Error::Io {
                what: format!("line {} of the results", index + 1),
                source: source.into(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        let trial = r#"{"trial":{"qemu":"7.2","machine":"max","profile":"dev","entry":"el2","verdict":{"ok":{"patched":3,"sites":9}},"caps":[{"name":"LSE","detected":true,"sites":4,"patched":3,"verified":true}]}}"#;
        let lacking = r#"{"lacking":{"machine":"neoverse-v1","reason":"QEMU 7.2 has none"}}"#;
        let lines = read(&format!("{trial}\n{lacking}\n")).unwrap();
        let [Line::Trial(found), Line::Lacking(machine)] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert_eq!(found.entry, Entry::El2);
        let (patched, sites) = (3, 9);
        assert_eq!(found.verdict, Verdict::Ok { patched, sites });
        assert_eq!(machine.machine, "neoverse-v1");
        for (line, text) in lines.iter().zip([trial, lacking]) {
            assert_eq!(serde_json::to_string(line).unwrap(), text);
        }
    }

    #[test]
    fn another_line_is_named() {
        let error = read("{}").unwrap_err().to_string();
        assert!(error.starts_with("line 1 of the results: "), "{error}");
    }
}
