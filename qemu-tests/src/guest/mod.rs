//! Builds guests with cargo.
//!
//! | file | content |
//! |------|---------|
//! | cargo.rs | runs cargo, and copies the binary |
//! | once.rs | builds each guest once in a test run |
//! | livepatch.rs | the demo kernel with the flags of livepatch |

use crate::{Error, Profile, Result};
use alt_finish::table::Finish;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};
use test_support::TARGET;

mod cargo;
mod livepatch;
mod once;

use cargo::{binary, executable, messages, no_binary, write};
pub use livepatch::{build_livepatchable, set_flags};
pub(crate) use once::once;

/// Builds the binary of a guest package, named like the package, and returns the path of its ELF
/// file. It is built once in a process, and once in a run of nextest, which has a process for each
/// test.
///
/// Cargo's progress goes to standard error.
///
/// # Errors
/// [`Error::Build`] when cargo fails or the package has no such binary.
pub fn build(package: &str, profile: Profile) -> Result<PathBuf> {
    build_as(profile.name(), package, profile, &[])
}

/// Builds the same with a feature of the package.
///
/// # Errors
/// [`Error::Build`] as for [`build`].
pub fn build_with(package: &str, profile: Profile, feature: &str) -> Result<PathBuf> {
    let name = format!("{profile}-{feature}");
    build_as(&name, package, profile, &["--features", feature])
}

/// Builds the same with a configuration file of cargo, relative to the workspace.
///
/// # Errors
/// [`Error::Build`] as for [`build`].
pub fn build_configured(package: &str, profile: Profile, config: &str) -> Result<PathBuf> {
    let name = format!("{profile}-configured");
    build_as(&name, package, profile, &["--config", config])
}

/// Builds that, linked by alt-ld.
///
/// # Errors
/// [`Error::Build`] as for [`build`].
pub fn build_by_alt_ld(package: &str, profile: Profile, config: &str) -> Result<PathBuf> {
    let name = format!("{profile}-alt-ld");
    // As a flag of rustc, by which cargo distinguishes the builds.
    let linker = format!("-Clinker={}", alt_ld()?.display());
    let linker = format!("target.{TARGET}.rustflags=[{linker:?}]");
    let more = ["--config", config, "--config", &linker];
    build_as(&name, package, profile, &more)
}

/// Builds a guest, and finishes its tables as `alt finish` does. Returns the path of that image; `None` if the
/// tables stay raw, since the finished one would be larger.
///
/// # Errors
/// [`Error::Build`] as for [`build`], or if the tables cannot be finished.
pub fn finished(package: &str, profile: Profile) -> Result<Option<PathBuf>> {
    let raw = build(package, profile)?;
    let name = format!("{profile}-finished");
    let path = once(&format!("{package}-{name}"), profile, || {
        let problem = |problem: String| Error::Build {
            package: package.into(),
            profile,
            problem,
        };
        match finish(&raw, package).map_err(|why| problem(why.to_string()))? {
            Some(image) => {
                write(&name, package, &image).map_err(Error::io("writing a finished guest"))
            }
            None => Ok(raw.clone()),
        }
    })?;
    Ok((path != raw).then_some(path))
}

/// The bytes of the finished image; `None` if its tables stay raw.
fn finish(
    raw: &Path,
    name: &str,
) -> std::result::Result<Option<Vec<u8>>, Box<dyn std::error::Error>> {
    let image = alt_image::image::Image::parse(std::fs::read(raw)?)?;
    let finished = alt_finish::finish(image, name)?;
    match finished.table {
        Finish::Finished(_) => Ok(Some(finished.data)),
        Finish::Raw { .. } => Ok(None),
        Finish::NoRecords => Err("it has no records".into()),
    }
}

/// Builds the library of a package for the target, to check that it compiles.
///
/// # Errors
/// [`Error::Build`] when cargo fails.
pub fn build_library(package: &str, profile: Profile) -> Result<()> {
    cargo_build(package, profile, &["--lib", "--target", TARGET]).map(drop)
}

/// Builds a guest with further arguments; `name` is that of this build among those of the package.
fn build_as(name: &str, package: &str, profile: Profile, more: &[&str]) -> Result<PathBuf> {
    let mut command = command("build", package, profile, &target_dir())?;
    command
        .args(["--bin", package, "--target", TARGET])
        .args(more);
    once(&format!("{package}-{name}"), profile, || {
        binary(command, package, profile, name)
    })
}

/// Builds a package with further arguments, and returns cargo's messages, one JSON object per
/// line.
pub(crate) fn cargo_build(package: &str, profile: Profile, arguments: &[&str]) -> Result<String> {
    let mut command = command("build", package, profile, &target_dir())?;
    command.args(arguments);
    messages(command, package, profile)
}

/// Guests whose atomics are outlined, and linked by alt-ld: variables of cargo for the target, the
/// flags of rustc and the linker.
const OUTLINE_ATOMICS: [&str; 1] = ["kernel-demo"];
/// Guests that are linked by alt-ld: these, and one that compares it with other ways.
const BY_ALT_LD: [&str; 2] = ["kernel-demo", "bench-guest"];
const OUTLINED: &str = "-Ctarget-feature=+outline-atomics";
const RUSTFLAGS: &str = "CARGO_TARGET_AARCH64_UNKNOWN_NONE_RUSTFLAGS";
/// Cargo's variable with the linker of guests.
pub const LINKER: &str = "CARGO_TARGET_AARCH64_UNKNOWN_NONE_LINKER";

/// References of aarch64-rt that `alt-ld` cannot prove to reach. A kernel that stays at the exception level
/// at which it is entered has those of all levels.
pub const ALLOWED_REACH: &str = "other-section:vector_table_el1,other-section:vector_table_el2,\
                                 other-section:vector_table_el3";

/// Builds alt-ld, and returns its path. It is built in the workspace's own target folder, with the
/// features that the tests have, so that it shares their dependencies.
fn alt_ld() -> Result<PathBuf> {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = PATH.get() {
        return Ok(path.clone());
    }
    let path = once("alt-tool", Profile::Dev, || {
        let mut command = test_support::cargo();
        command.args(["build", "--message-format", "json-render-diagnostics"]);
        command.args(["--workspace", "--bin", "alt-ld"]);
        let messages = messages(command, "alt-tool", Profile::Dev)?;
        executable(&messages, "alt-ld").ok_or_else(|| no_binary("alt-tool", Profile::Dev))
    })?;
    Ok(PATH.get_or_init(|| path).clone())
}

/// cargo with the arguments that builds of this package need.
fn command(
    subcommand: &str,
    package: &str,
    profile: Profile,
    target_dir: &Path,
) -> Result<Command> {
    let mut command = cargo::cargo(subcommand, package, profile, target_dir);
    if OUTLINE_ATOMICS.contains(&package) {
        command.env(RUSTFLAGS, OUTLINED);
    }
    if BY_ALT_LD.contains(&package) {
        command.env(LINKER, alt_ld()?);
    }
    // For alt-ld; other linkers do not look at it.
    command.env("ALT_REACH_ALLOW", ALLOWED_REACH);
    Ok(command)
}

/// The target directory of guests, separate from that of the host's programs: builds of guests take long,
/// and another cargo need not wait for them.
fn target_dir() -> PathBuf {
    test_support::target_dir().join("guest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_package_is_an_error() {
        let result = build("no-such-guest", Profile::Dev);
        assert!(matches!(result, Err(Error::Build { package, .. }) if package == "no-such-guest"));
    }
}
