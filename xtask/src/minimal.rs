//! `cargo xtask minimal-versions`: checks that the dependencies of a kernel compile in the lowest
//! versions that the packages' `Cargo.toml` allow. A kernel's lock file need not contain higher
//! versions.

use crate::{Outcome, nightly, setup, style};
use std::{env, fs, io, path::Path, process::Command};
use test_support::{TARGET, workspace};

/// Features of alt-runtime: the fewest, and all that a kernel links.
const VARIANTS: [(&str, &str); 2] = [
    ("few features", ""),
    ("all features", r#""defmt", "shadow-call-stack""#),
];

/// Uses each macro, so that the macros run with those versions too.
const SOURCE: &str = r#"//! Made by `cargo xtask minimal-versions`.
#![no_std]
mod cpucaps {
    alt_runtime::cpucaps!("cpucaps.toml");
}
use cpucaps::LSE;

pub fn site() -> bool {
    // SAFETY: neither variant does anything.
    unsafe { alt_runtime::alternative!("nop", LSE => "yield", options(nostack)) };
    alt_runtime::cpu_has_cap!(likely LSE)
}
"#;

const BUILD: &str = "fn main() -> std::io::Result<()> { alt_linker::provide_scripts() }\n";

/// Compiles a kernel's package in each variant, by the stable toolchain. Only nightly cargo chooses
/// the versions; without it, the check is skipped.
pub(crate) fn run() -> Outcome {
    setup::ensure_target()?;
    let folder = test_support::target_dir().join("minimal-versions");
    let mut compiles = true;
    for (name, runtime) in VARIANTS {
        write(&folder, runtime)?;
        let Some(mut cargo) = nightly::cargo() else {
            anstream::println!("minimal versions: skipped: rustup has no nightly toolchain");
            return Ok(true);
        };
        anstream::println!("{}", style::heading(format!("minimal versions, {name}")));
        cargo
            .args(["-Z", "minimal-versions", "generate-lockfile"])
            .current_dir(&folder);
        if !cargo.status()?.success() {
            anstream::println!("minimal versions: skipped: cargo cannot choose them; see above");
            return Ok(true);
        }
        let mut check = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        check
            .args(["check", "--locked", "--target", TARGET, "--target-dir"])
            .arg(folder.join("target"))
            .current_dir(&folder);
        compiles &= check.status()?.success();
    }
    let verdict = match compiles {
        true => style::good("they compile"),
        false => style::bad("a version is stated too low; see above"),
    };
    anstream::println!("minimal versions: {verdict}");
    Ok(compiles)
}

/// A workspace of its own, because the development dependencies of this workspace's members would
/// count too.
fn write(folder: &Path, runtime: &str) -> io::Result<()> {
    let root = workspace();
    fs::create_dir_all(folder.join("src"))?;
    let manifest = format!(
        "[workspace]\n\
         [package]\nname = \"minimal\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [dependencies]\n\
         alt-runtime = {{ path = {:?}, features = [{runtime}] }}\n\
         [build-dependencies]\n\
         alt-linker = {{ path = {:?} }}\n",
        root.join("alt-runtime"),
        root.join("linker/link"),
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("build.rs"), BUILD)?;
    fs::write(folder.join("src/lib.rs"), SOURCE)?;
    fs::copy(root.join("cpucaps.toml"), folder.join("cpucaps.toml"))?;
    Ok(())
}
