//! What a fresh machine lacks: the target's core library and QEMU. Installs them where that takes
//! no decision of the user's, and says exactly what to do where it does.

use qemu_tests::{
    Qemu,
    guest::{self, TARGET, workspace},
};
use std::{
    env,
    error::Error,
    process::{Command, Stdio},
};

/// Makes sure that guests can be built and run; returns the QEMU to run them.
pub(crate) fn ensure() -> Result<Qemu, Box<dyn Error>> {
    ensure_target()?;
    ensure_qemu()
}

/// Makes sure that guests can be built.
pub(crate) fn ensure_target() -> Result<(), Box<dyn Error>> {
    if guest::target_is_there() {
        return Ok(());
    }
    say(&format!("adding the target {TARGET} (rustup)"));
    match command("rustup").args(["target", "add", TARGET]).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("`rustup target add {TARGET}` failed; see above").into()),
        Err(_) => Err(format!(
            "the Rust target {TARGET} is missing, and so is rustup to add it. Install rustup \
             from https://rustup.rs, then run: rustup target add {TARGET}"
        )
        .into()),
    }
}

fn ensure_qemu() -> Result<Qemu, Box<dyn Error>> {
    let missing = match Qemu::find() {
        Err(missing @ qemu_tests::Error::NoQemu { .. }) => missing,
        other => return Ok(other?),
    };
    // The user's own choice of binary is not replaced by another.
    if env::var_os("QEMU").is_some_and(|name| !name.is_empty()) {
        return Err(missing.into());
    }
    if !can_apt() {
        return Err(format!(
            "{} is not in PATH. Install it:\n  \
             Debian, Ubuntu   sudo apt-get install qemu-system-arm\n  \
             Fedora           sudo dnf install qemu-system-aarch64-core\n  \
             Arch             sudo pacman -S qemu-system-aarch64\n  \
             macOS            brew install qemu\n\
             or set QEMU to the path of qemu-system-aarch64",
            Qemu::binary_name()
        )
        .into());
    }
    say("installing QEMU (apt-get install qemu-system-arm)");
    for arguments in [
        &["update", "-q"][..],
        &[
            "install",
            "-q",
            "-y",
            "--no-install-recommends",
            "qemu-system-arm",
        ],
    ] {
        let status = command("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(format!("`apt-get {}` failed ({status})", arguments.join(" ")).into());
        }
    }
    Ok(Qemu::find()?)
}

/// Whether packages can be installed without asking: by root, where there is apt-get.
fn can_apt() -> bool {
    let output = |name: &str, argument: &str| {
        let output = command(name).arg(argument).output().ok()?;
        let success = output.status.success();
        success.then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    output("id", "-u").as_deref() == Some("0") && output("apt-get", "--version").is_some()
}

/// One line about what is being done.
fn say(what: &str) {
    anstream::eprintln!("set-up: {what}");
}

/// In the workspace, whose toolchain file decides on the toolchain.
fn command(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(workspace());
    command
}
