//! `cargo xtask mutate`: random changes of an image, by the program of the package `alt-mutate`.
//!
//! It is a program of its own, since it needs optimisation, which this program is built without.

use crate::{Outcome, programs};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;

pub(crate) fn run(arguments: &[OsString]) -> Outcome {
    let status = Command::new(build()?).args(arguments).status()?;
    Ok(status.success())
}

/// Builds the program; returns its path.
pub(crate) fn build() -> io::Result<PathBuf> {
    programs::build("alt-mutate", &["alt-mutate"])
}
