//! Commands of the nightly toolchain. The workspace itself is built by the stable one.

use std::process::{Command, Stdio};
use test_support::workspace;

/// Cargo of the nightly toolchain; `None` if rustup lacks that toolchain.
pub(crate) fn cargo() -> Option<Command> {
    let mut version = rustup(&["run", "nightly", "cargo", "--version"]);
    version.stdout(Stdio::null()).stderr(Stdio::null());
    let is_there = version.status().is_ok_and(|status| status.success());
    is_there.then(|| rustup(&["run", "nightly", "cargo"]))
}

/// Whether the nightly toolchain has a component, after an attempt to add it where it is missing.
pub(crate) fn has_component(name: &str) -> bool {
    let mut add = rustup(&["component", "add", "--toolchain", "nightly", name]);
    add.status().is_ok_and(|status| status.success())
}

fn rustup(arguments: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.current_dir(workspace()).args(arguments);
    // The cargo that runs this has set them for the other toolchain.
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command
}
