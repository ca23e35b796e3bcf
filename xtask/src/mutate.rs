//! `cargo xtask mutate`: random changes of an image, by the program of the package `alt-mutate`.
//!
//! It is a program of its own, since it needs optimisation, which this program is built without.

use crate::{Outcome, programs};
use std::ffi::OsString;
use std::process::Command;

pub(crate) const PROGRAM: &str = "alt-mutate";

pub(crate) fn run(arguments: &[OsString]) -> Outcome {
    let program = programs::optimised(PROGRAM, PROGRAM)?;
    let status = Command::new(program).args(arguments).status()?;
    Ok(status.success())
}
