//! The Rust toolchain and the directories of the workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The target of kernels and test guests.
pub const TARGET: &str = "aarch64-unknown-none";

/// The target of code for EL2, which some guests carry in their image: it does not use FP
/// registers.
pub const HYP_TARGET: &str = "aarch64-unknown-none-softfloat";

/// The root directory of the workspace.
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// The target directory of the workspace: `CARGO_TARGET_DIR`, or `target` in its root.
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// The compiler: `RUSTC`, or `rustc`.
pub fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// cargo in the root of the workspace: `CARGO`, or `cargo`. It does not inherit the caller's flags
/// of rustc, which are for the host; with `--target`, cargo would pass them to the target's crates.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(workspace())
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

/// Whether the toolchain can build for [`TARGET`].
///
/// Asks rustc, not rustup: the toolchain of a distribution may have the target as well.
pub fn target_is_there() -> bool {
    static IS_THERE: OnceLock<bool> = OnceLock::new();
    *IS_THERE.get_or_init(|| is_there(TARGET))
}

/// The first of the guests' targets that the toolchain lacks.
///
/// Remembers for the life of the process that all are installed, but not that one is missing.
pub fn missing_target() -> Option<&'static str> {
    static ALL_THERE: OnceLock<()> = OnceLock::new();
    if ALL_THERE.get().is_some() {
        return None;
    }
    let missing = [TARGET, HYP_TARGET]
        .into_iter()
        .find(|target| !is_there(target));
    if missing.is_none() {
        ALL_THERE.get_or_init(|| ());
    }
    missing
}

/// Whether the toolchain has the source of `core`, which the component rust-src installs. Required
/// to build `core` with other compiler flags.
pub fn core_source_is_there() -> bool {
    let core = "lib/rustlib/src/rust/library/core/Cargo.toml";
    print("sysroot", &[]).is_some_and(|sysroot| sysroot.join(core).is_file())
}

fn is_there(target: &str) -> bool {
    print("target-libdir", &["--target", target]).is_some_and(|libraries| libraries.is_dir())
}

/// The path that `rustc --print` reports; `None` if rustc fails.
pub(crate) fn print(what: &str, arguments: &[&str]) -> Option<PathBuf> {
    let output = rustc().args(["--print", what]).args(arguments).output();
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().into())
}
