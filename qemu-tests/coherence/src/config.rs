//! The configuration of the plugin: a JSON file that its argument `config` names.

use std::{
    collections::BTreeMap,
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// The addresses to watch, and the file to report to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The file that the report is written to.
    pub report: PathBuf,
    /// Physical addresses that are watched: all from which instructions may be executed.
    pub watch: Vec<Range<u64>>,
    /// Those of them that are the text of the image.
    pub text: Vec<Range<u64>>,
    /// Virtual addresses of routines that must have made words of `text` visible when they return.
    pub routines: Vec<Range<u64>>,
    /// The regions to count in, by name.
    pub regions: BTreeMap<String, Region>,
    /// CTR_EL0 of each CPU; the last value is that of all further CPUs. Empty: the values of the
    /// CPUs.
    pub ctr: Vec<u64>,
}

/// Instructions to count, by virtual address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Region {
    /// The instructions at these addresses.
    Within(Range<u64>),
    /// All instructions that a CPU executes from one address until it reaches another one, with
    /// calls and interrupts, without the last one.
    Between(u64, u64),
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// It is not a configuration.
    #[error("{path}: {source}", path = path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The error and its place.
        source: serde_json::Error,
    },
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is not a configuration.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Io {
            path: path.into(),
            source,
        })?;
        serde_json::from_str(&text).map_err(|source| ConfigError::Json {
            path: path.into(),
            source,
        })
    }

    /// Writes a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ConfigError> {
        let text = serde_json::to_string(self).map_err(|source| ConfigError::Json {
            path: path.into(),
            source,
        })?;
        fs::write(path, text).map_err(|source| ConfigError::Io {
            path: path.into(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_is_read_as_it_was_written() {
        let config = Config {
            report: "/tmp/report, with a comma".into(),
            watch: vec![0x4000_0000..0x5000_0000, 0..8],
            regions: [
                ("commit".to_owned(), Region::Within(8..16)),
                ("pass".to_owned(), Region::Between(4, 8)),
            ]
            .into(),
            ctr: vec![u64::MAX],
            ..Config::default()
        };
        let path = std::env::temp_dir().join(format!("coherence-{}", std::process::id()));
        config.write(&path).unwrap();
        let read = Config::read(&path);
        fs::write(&path, "{}").unwrap();
        let incomplete = Config::read(&path);
        fs::remove_file(&path).unwrap();
        assert_eq!(read.unwrap(), config);
        assert!(matches!(incomplete, Err(ConfigError::Json { .. })));
        assert!(matches!(Config::read(&path), Err(ConfigError::Io { .. })));
    }
}
