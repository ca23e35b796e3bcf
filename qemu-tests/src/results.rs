//! What trials of the matrix found, kept for whoever makes a table of it: one line of JSON each.
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
    /// What a kernel did on a machine.
    Trial(Trial),
    /// There was no such machine.
    Lacking(Lacking),
}

/// A machine that the installed QEMU cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacking {
    /// As in [`Trial`].
    pub machine: String,
    /// Why it cannot.
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
    /// Where the kernel was entered.
    pub entry: Entry,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found of each cpucap, in the order of `cpucaps.toml`; empty if the kernel did not
    /// come so far.
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

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Memory held what it must.
    Ok {
        /// Sites that were patched.
        patched: u32,
        /// Sites in the tables.
        sites: u32,
    },
    /// It did not, or there was nothing to look at.
    Failed(String),
}

/// What was found of a cpucap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// Its name.
    pub name: String,
    /// Whether the kernel has detected it.
    pub detected: bool,
    /// Sites whose condition names it.
    pub sites: u32,
    /// Those of them that changed because an arm with it won.
    pub patched: u32,
    /// Whether each of `sites` was compared from outside, and held what it must.
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
    // In one write: trials at the same time must not mix theirs.
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
/// [`Error::Io`] with the number of the line that is none of ours.
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
