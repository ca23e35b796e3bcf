//! Builds guests with cargo.

use crate::{Error, Profile, Result};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};
use test_support::TARGET;

mod livepatch;
mod once;

pub use livepatch::{build_livepatchable, set_flags};
pub(crate) use once::once;

/// Builds the binary of a guest package, named like the package, and returns the path of its ELF
/// file. It is built once in a process, and once in a run of nextest, which has a process for each
/// test. Processes wait for each other at cargo's lock.
///
/// Cargo's progress goes to standard error.
///
/// # Errors
/// [`Error::Build`] when cargo fails or the package has no such binary.
pub fn build(package: &str, profile: Profile) -> Result<PathBuf> {
    if BY_ALT_LD.contains(&package) {
        alt_ld()?;
    }
    once(package, profile, || run_cargo(package, profile))
}

/// Builds the same with a feature of the package, in a separate target folder: in the usual one,
/// cargo would replace the binary that is built without the feature.
///
/// # Errors
/// [`Error::Build`] as for [`build`].
pub fn build_with(package: &str, profile: Profile, feature: &str) -> Result<PathBuf> {
    let mut command = cargo("build", package, profile, &target_dir().join(feature))?;
    command.args(["--bin", package, "--target", TARGET, "--features", feature]);
    let messages = messages(command, package, profile)?;
    executable(&messages, package).ok_or_else(|| no_binary(package, profile))
}

/// Builds the same with a configuration file of cargo, relative to the workspace. It is built in the
/// target folder of the livepatchable kernel, which is not the usual one either.
///
/// # Errors
/// [`Error::Build`] as for [`build`].
pub fn build_configured(package: &str, profile: Profile, config: &str) -> Result<PathBuf> {
    once(&format!("configured-{package}"), profile, || {
        let mut command = cargo("build", package, profile, &target_dir().join("livepatch"))?;
        command.args(["--bin", package, "--target", TARGET, "--config", config]);
        let messages = messages(command, package, profile)?;
        executable(&messages, package).ok_or_else(|| no_binary(package, profile))
    })
}

/// Builds the library of a package for the target, to check that it compiles.
///
/// # Errors
/// [`Error::Build`] when cargo fails.
pub fn build_library(package: &str, profile: Profile) -> Result<()> {
    cargo_build(package, profile, &["--lib", "--target", TARGET]).map(drop)
}

fn run_cargo(package: &str, profile: Profile) -> Result<PathBuf> {
    let arguments = ["--bin", package, "--target", TARGET];
    let messages = cargo_build(package, profile, &arguments)?;
    executable(&messages, package).ok_or_else(|| no_binary(package, profile))
}

fn no_binary(package: &str, profile: Profile) -> Error {
    Error::Build {
        package: package.into(),
        profile,
        problem: format!("it has no binary `{package}`"),
    }
}

/// Builds a package with further arguments, and returns cargo's messages, one JSON object per
/// line.
pub(crate) fn cargo_build(package: &str, profile: Profile, arguments: &[&str]) -> Result<String> {
    let mut command = cargo("build", package, profile, &target_dir())?;
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

/// References of aarch64-rt that `alt-ld` cannot prove to reach.
pub const ALLOWED_REACH: &str = "other-section:vector_table_el1";

/// Builds alt-ld, as [`build`] does a guest, and returns its path.
fn alt_ld() -> Result<PathBuf> {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = PATH.get() {
        return Ok(path.clone());
    }
    let path = once("alt-tool", Profile::Dev, || {
        let mut command = test_support::cargo();
        command.args(["build", "--message-format", "json-render-diagnostics"]);
        command.args(["--package", "alt-tool", "--bin", "alt-ld"]);
        let messages = messages(command, "alt-tool", Profile::Dev)?;
        executable(&messages, "alt-ld").ok_or_else(|| no_binary("alt-tool", Profile::Dev))
    })?;
    Ok(PATH.get_or_init(|| path).clone())
}

/// cargo with the arguments that all builds of guests share.
fn cargo(subcommand: &str, package: &str, profile: Profile, target_dir: &Path) -> Result<Command> {
    let mut command = test_support::cargo();
    command
        .args([subcommand, "--message-format", "json-render-diagnostics"])
        .args(["--package", package, "--profile", profile.name()])
        .arg("--target-dir")
        .arg(target_dir)
        .env("DEFMT_LOG", "info");
    if OUTLINE_ATOMICS.contains(&package) {
        command.env(RUSTFLAGS, OUTLINED);
    }
    if BY_ALT_LD.contains(&package) {
        command
            .env(LINKER, alt_ld()?)
            .env("ALT_REACH_ALLOW", ALLOWED_REACH);
    }
    Ok(command)
}

/// Cargo's standard output if it succeeds.
fn messages(mut command: Command, package: &str, profile: Profile) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(Error::io("running cargo"))?;
    if !output.status.success() {
        return Err(Error::Build {
            package: package.into(),
            profile,
            problem: output.status.to_string(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A subdirectory of the target directory, because the cargo that runs this test holds the lock of
/// the target directory.
fn target_dir() -> PathBuf {
    test_support::target_dir().join("guest")
}

/// The binary among cargo's messages, one JSON object per line.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|message| {
            message["reason"] == "compiler-artifact"
                && message["target"]["name"] == name
                && message["executable"].is_string()
        })
        .and_then(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executable_is_found_among_the_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"defmt"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"build-script-build"},"executable":"/b"}
{"reason":"compiler-artifact","target":{"name":"kernel-demo"},"executable":"/t/kernel-demo"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            executable(messages, "kernel-demo"),
            Some("/t/kernel-demo".into())
        );
        assert_eq!(executable(messages, "other"), None);
    }

    #[test]
    fn unknown_package_is_an_error() {
        let result = build("no-such-guest", Profile::Dev);
        assert!(matches!(result, Err(Error::Build { package, .. }) if package == "no-such-guest"));
    }
}
