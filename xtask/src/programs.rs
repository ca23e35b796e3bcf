//! Programs of the workspace.

use std::path::PathBuf;
use std::process::Command;
use std::{env, io};
use test_support::{target_dir, workspace};

/// Builds a program with optimisation; returns its path.
pub(crate) fn optimised(package: &str, program: &str) -> io::Result<PathBuf> {
    build(&["--release", "--package", package], program, "release")
}

/// Builds a program without optimisation, as tests do, with whose dependencies it shares most of its own;
/// returns its path.
pub(crate) fn as_tested(program: &str) -> io::Result<PathBuf> {
    build(&["--workspace"], program, "debug")
}

fn build(arguments: &[&str], program: &str, folder: &str) -> io::Result<PathBuf> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).arg("build").args(arguments);
    if !cargo.args(["--bin", program]).status()?.success() {
        return Err(io::Error::other(format!(
            "{program} does not build; see above"
        )));
    }
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    Ok(target_dir().join(folder).join(file))
}
