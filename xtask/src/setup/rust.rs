//! Adds core libraries of targets, and components, to the toolchain.

use super::{command, say};
use std::error::Error;
use test_support::{core_source_is_there, missing_target};

/// Makes sure that guests can be built.
pub(super) fn ensure_target() -> Result<(), Box<dyn Error>> {
    while let Some(target) = missing_target() {
        say(&format!("adding the target {target} (rustup)"));
        add_target(target)?;
        if missing_target() == Some(target) {
            return Err(format!(
                "rustup has added the target {target}, but not to the rustc in PATH"
            )
            .into());
        }
    }
    Ok(())
}

fn add_target(target: &str) -> Result<(), Box<dyn Error>> {
    match command("rustup").args(["target", "add", target]).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("`rustup target add {target}` failed; see above").into()),
        Err(_) => Err(format!(
            "the Rust target {target} is missing, and so is rustup to add it. Install rustup \
             from https://rustup.rs, then run: rustup target add {target}"
        )
        .into()),
    }
}

/// Adds the sources of `core` where they are missing. Without them a test is skipped, so a failure
/// is not an error.
pub(super) fn add_core_source() {
    if core_source_is_there() {
        return;
    }
    say("adding the component rust-src (rustup)");
    let status = command("rustup")
        .args(["component", "add", "rust-src"])
        .status();
    if !status.is_ok_and(|status| status.success()) || !core_source_is_there() {
        say("rustup has not added rust-src; tests that compile `core` are skipped");
    }
}
