//! The version of a QEMU.

use std::fmt;

/// A QEMU version; ordered, so that `version >= Version::new(10, 0)` works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
}

impl Version {
    /// The version `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads the answer to `--version`.
    pub(crate) fn parse(output: &str) -> Option<Self> {
        let mut numbers = output
            .split_once("version ")?
            .1
            .split(|c: char| !c.is_ascii_digit())
            .map(str::parse);
        Some(Self::new(numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
