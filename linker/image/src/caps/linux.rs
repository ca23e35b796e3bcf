//! The cpucaps of Linux.

use super::{Caps, CapsError};
use crate::names::CapNames;

/// Conditions by Linux's names, compiled into the package.
const LINUX: &str = include_str!("../../cpus/linux.toml");

impl Caps {
    /// The cpucaps of a Linux that has these names, with the conditions that are known for them. The
    /// others are [undecided](Self::undecided): those that depend on the configuration, on
    /// firmware or on the command line.
    ///
    /// # Errors
    /// The conditions that are compiled in have a mistake; a test excludes that.
    pub fn linux(names: &CapNames) -> Result<Self, CapsError> {
        Ok(Self::from_toml("linux.toml", LINUX)?.with_numbers(names))
    }
}
