//! Builds the demo kernel so that it can be livepatched.

use super::{OUTLINED, RUSTFLAGS, alt_ld, executable, messages, no_binary, once::once, target_dir};
use crate::{Profile, Result};
use alt_livepatch::archive::flags;
use std::{path::PathBuf, process::Command};
use test_support::TARGET;

/// The kernel's package and binary.
const PACKAGE: &str = "kernel-demo";

/// Builds the demo kernel with the flags of livepatch, in a folder of its own.
///
/// # Errors
/// [`Error::Build`](crate::Error::Build) when cargo fails.
pub fn build_livepatchable() -> Result<PathBuf> {
    // Not inside of `once`, which it uses itself.
    alt_ld()?;
    once("livepatchable-kernel-demo", Profile::Release, || {
        let folder = target_dir().join("livepatch");
        let mut command = super::cargo("build", PACKAGE, Profile::Release, &folder)?;
        command.args(["--bin", PACKAGE, "--target", TARGET]);
        set_flags(&mut command, &[]);
        let messages = messages(command, PACKAGE, Profile::Release)?;
        executable(&messages, PACKAGE).ok_or_else(|| no_binary(PACKAGE, Profile::Release))
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
