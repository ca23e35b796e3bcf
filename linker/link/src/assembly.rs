//! The include files of `.S` files: the site macros, and the numbers of the cpucaps.

use std::path::{Path, PathBuf};
use std::{fs, io};

use alt_runtime::ASM_MACROS;

use crate::scripts::out_dir;

/// Writes `alternative.s` and `cpucaps.inc` for the `.S` files of the crate being built,
/// and returns their folder, which the assembler must search (`-I`). To be called from a
/// build script, with the path of the kernel's TOML file of cpucaps.
///
/// ```no_run
/// # mod cc { pub struct Build; impl Build {
/// #     pub fn new() -> Self { Self }
/// #     pub fn include(&mut self, _: std::path::PathBuf) -> &mut Self { self }
/// #     pub fn file(&mut self, _: &str) -> &mut Self { self }
/// #     pub fn compile(&mut self, _: &str) {}
/// # } }
/// // build.rs
/// # fn build() -> std::io::Result<()> {
/// let include = alt_linker::provide_assembly("cpucaps.toml")?;
/// cc::Build::new().include(include).file("src/entry.S").compile("entry");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `OUT_DIR` is not set (this is not a build script) or cannot be written; the TOML file
/// cannot be read, or is not TOML.
pub fn provide_assembly(cpucaps: impl AsRef<Path>) -> io::Result<PathBuf> {
    let (cpucaps, dir) = (cpucaps.as_ref(), out_dir("provide_assembly")?);
    println!("cargo::rerun-if-changed={}", cpucaps.display());
    write_assembly(cpucaps, &dir)?;
    Ok(dir)
}

/// Writes `alternative.s` and `cpucaps.inc` into the folder `dir`, for a build without
/// cargo.
///
/// # Errors
/// The TOML file cannot be read, or is not TOML; the folder cannot be written.
pub fn write_assembly(cpucaps: &Path, dir: &Path) -> io::Result<()> {
    let name = cpucaps.display().to_string();
    let text = fs::read_to_string(cpucaps)
        .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
    let numbers = cpucaps_inc(&name, &text)
        .map_err(|problems| io::Error::new(io::ErrorKind::InvalidData, problems.join("\n\n")))?;
    fs::write(dir.join("alternative.s"), ASM_MACROS)?;
    fs::write(dir.join("cpucaps.inc"), numbers)
}

/// The line `.equ CAP_NAME, NUMBER` for each cpucap of a TOML file, with the numbers that
/// `cpucaps!` assigns: the order in the file. `name` is the name of the file in messages.
///
/// A cpucap that is impossible by its `cfg` also has a line: it is never present.
///
/// # Errors
/// A text for each violation of the TOML grammar, with line and column. The entries are not
/// checked: `cpucaps!` does that.
pub fn cpucaps_inc(name: &str, text: &str) -> Result<String, Vec<String>> {
    let names = alt_cpucaps::names(name, text)?;
    Ok((0..)
        .zip(names)
        .map(|(number, name): (usize, _)| format!(".equ CAP_{name}, {number}\n"))
        .collect())
}
