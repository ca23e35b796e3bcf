//! The linker-script fragments, for a kernel's build script.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The fragment for `-T`, with or without a linker script of the kernel.
pub const ALTERNATIVES_X: &str = include_str!("../alternatives.x");

/// The fragment to `INCLUDE` in the init region of the kernel's linker script.
pub const ALTERNATIVES_INIT_X: &str = include_str!("../alternatives-init.x");

/// The part that both fragments include.
pub const ALTERNATIVES_TABLES_X: &str = include_str!("../alternatives-tables.x");

/// The fragment to `INCLUDE` in read-only data that stays mapped: the build id, for livepatch
/// (docs/livepatch.md). [`ALTERNATIVES_X`] includes it.
pub const BUILD_ID_X: &str = include_str!("../build-id.x");

/// The fragment to `INCLUDE` in the text of the kernel's linker script, before all other text:
/// keep-together groups (docs/reach.md).
pub const TOGETHER_X: &str = include_str!("../together.x");

/// The fragments to `INCLUDE` in the sections of text, read-only data, data and `.bss`: their input
/// sections, explicit names before wildcards. Names and texts of the files.
pub const SECTIONS_X: [(&str, &str); 4] = [
    ("text.x", include_str!("../text.x")),
    ("rodata.x", include_str!("../rodata.x")),
    ("data.x", include_str!("../data.x")),
    ("bss.x", include_str!("../bss.x")),
];

/// The fragments to `INCLUDE` in the sections of init code and of its constants: the parts of alt-runtime that are
/// not needed after boot, in every kernel, in one that starts no CPU later, and in one that patches nothing
/// later. Names and texts of the files.
pub const INIT_X: [(&str, &str); 5] = [
    ("init-boot.x", include_str!("../init-boot.x")),
    ("init-detect.x", include_str!("../init-detect.x")),
    (
        "init-detect-rodata.x",
        include_str!("../init-detect-rodata.x"),
    ),
    ("init-patch.x", include_str!("../init-patch.x")),
    (
        "init-patch-rodata.x",
        include_str!("../init-patch-rodata.x"),
    ),
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
    fs::write(dir.join("alternatives.x"), ALTERNATIVES_X)?;
    fs::write(dir.join("alternatives-init.x"), ALTERNATIVES_INIT_X)?;
    fs::write(dir.join("alternatives-tables.x"), ALTERNATIVES_TABLES_X)?;
    fs::write(dir.join("build-id.x"), BUILD_ID_X)?;
    for (name, text) in SECTIONS_X.into_iter().chain(INIT_X) {
        fs::write(dir.join(name), text)?;
    }
    fs::write(dir.join("together.x"), TOGETHER_X)
}
