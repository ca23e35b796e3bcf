//! The linker-script fragments, for a kernel's build script.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The fragment to be given by `-T`, beside or without a script of the kernel's.
pub const ALTERNATIVES_X: &str = include_str!("../alternatives.x");

/// The fragment to be `INCLUDE`d in the init region of the kernel's own script.
pub const ALTERNATIVES_INIT_X: &str = include_str!("../alternatives-init.x");

/// What both fragments include.
pub const ALTERNATIVES_TABLES_X: &str = include_str!("../alternatives-tables.x");

/// The fragment to be `INCLUDE`d in the text of the kernel's own script, before all other text:
/// keep-together groups (docs/reach.md).
pub const TOGETHER_X: &str = include_str!("../together.x");

/// Puts `alternatives.x`, `alternatives-init.x`, what these include, and `together.x` where the
/// linker of the crate being built finds them. To be called from a build script.
///
/// # Errors
/// `OUT_DIR` is not set (this is no build script), or cannot be written.
pub fn provide_scripts() -> io::Result<()> {
    let dir = out_dir("provide_scripts")?;
    write_scripts(&dir)?;
    println!("cargo::rustc-link-search={}", dir.display());
    Ok(())
}

/// The folder for what the build script that calls `function` makes.
pub(crate) fn out_dir(function: &str) -> io::Result<PathBuf> {
    let dir = env::var_os("OUT_DIR").map(PathBuf::from);
    let why = || format!("OUT_DIR is not set: call {function} from a build script");
    dir.ok_or_else(|| io::Error::other(why()))
}

/// Writes the fragments into the folder `dir`, for a build without cargo.
///
/// # Errors
/// The folder cannot be written.
pub fn write_scripts(dir: &Path) -> io::Result<()> {
    fs::write(dir.join("alternatives.x"), ALTERNATIVES_X)?;
    fs::write(dir.join("alternatives-init.x"), ALTERNATIVES_INIT_X)?;
    fs::write(dir.join("alternatives-tables.x"), ALTERNATIVES_TABLES_X)?;
    fs::write(dir.join("together.x"), TOGETHER_X)
}
