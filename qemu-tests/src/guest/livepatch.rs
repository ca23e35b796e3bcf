//! Builds the demo kernel so that it can be livepatched.

use super::{OUTLINED, RUSTFLAGS, binary, command, once::once, target_dir};
use crate::{Profile, Result};
use alt_livepatch::archive::flags;
use std::{path::PathBuf, process::Command};
use test_support::TARGET;

/// The kernel's package and binary.
const PACKAGE: &str = "kernel-demo";

/// Builds the demo kernel with the flags of livepatch.
///
/// # Errors
/// [`Error::Build`](crate::Error::Build) when cargo fails.
pub fn build_livepatchable() -> Result<PathBuf> {
    let profile = Profile::Release;
    let mut command = command("build", PACKAGE, profile, &target_dir())?;
    command.args(["--bin", PACKAGE, "--target", TARGET]);
    set_flags(&mut command, &[]);
    once("livepatchable-kernel-demo", profile, || {
        binary(command, PACKAGE, profile, "livepatch")
    })
}

/// Gives cargo the flags of livepatch, for its profile `release` and for rustc, and arguments of the
/// linker.
pub fn set_flags(command: &mut Command, link: &[&str]) {
    let flags = [OUTLINED]
        .iter()
        .chain(flags::RUSTC)
        .map(|flag| (*flag).to_owned());
    let link = link.iter().map(|argument| format!("-Clink-arg={argument}"));
    let flags: Vec<_> = flags.chain(link).collect();
    command.env(RUSTFLAGS, flags.join(" "));
    // By the environment: the kernel's `build.rs` builds a hypervisor, with the same profile.
    for (key, value) in flags::PROFILE
        .iter()
        .filter_map(|line| line.split_once('='))
    {
        let key = key.trim().to_uppercase().replace('-', "_");
        command.env(
            format!("CARGO_PROFILE_RELEASE_{key}"),
            value.trim().trim_matches('"'),
        );
    }
}
