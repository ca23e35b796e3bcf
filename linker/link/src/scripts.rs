//! The linker-script fragments, for a kernel's build script.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

macro_rules! fragments {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../", $name)))),+]
    };
}

/// The fragments: the name and the text of each file. The README lists where to use each; the comment at
/// its beginning has an example.
pub const FRAGMENTS: &[(&str, &str)] = fragments![
    "alternatives.x",
    "alternatives-init.x",
    "alternatives-tables.x",
    "build-id.x",
    "together.x",
    "text.x",
    "rodata.x",
    "data.x",
    "bss.x",
    "init-boot.x",
    "init-detect.x",
    "init-detect-rodata.x",
    "init-patch.x",
    "init-patch-rodata.x",
];

/// Writes all fragments to `OUT_DIR`, and adds it to the search path of the linker. To be called from
/// a build script.
///
/// # Errors
/// `OUT_DIR` is not set (this is not a build script), or cannot be written.
pub fn provide_scripts() -> io::Result<()> {
    let dir = out_dir("provide_scripts")?;
    write_scripts(&dir)?;
    println!("cargo::rustc-link-search={}", dir.display());
    Ok(())
}

/// `OUT_DIR` of the build script that calls `function`.
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
    for (name, text) in FRAGMENTS {
        fs::write(dir.join(name), text)?;
    }
    Ok(())
}
