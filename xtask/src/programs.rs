//! Programs of the workspace, built with optimisation.

use std::path::PathBuf;
use std::process::Command;
use std::{env, io};
use test_support::{target_dir, workspace};

/// Builds programs of a package; returns the path of the last one.
pub(crate) fn build(package: &str, programs: &[&str]) -> io::Result<PathBuf> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace());
    cargo.args(["build", "--release", "--package", package]);
    for program in programs {
        cargo.args(["--bin", program]);
    }
    if !cargo.status()?.success() {
        return Err(io::Error::other(format!(
            "{package} does not build; see above"
        )));
    }
    let last = programs.last().copied().unwrap_or(package);
    let file = format!("{last}{}", env::consts::EXE_SUFFIX);
    Ok(target_dir().join("release").join(file))
}
