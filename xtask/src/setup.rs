//! What a fresh machine lacks: the targets' core libraries and QEMU. Installs them where that takes
//! no decision of the user's, and says exactly what to do where it does.

mod backports;

use qemu_tests::{
    Qemu,
    guest::{self, workspace},
};
use std::{
    env,
    error::Error,
    fs,
    process::{Command, Stdio},
};

/// What has QEMU for arm64 on Debian and Ubuntu.
const PACKAGE: &str = "qemu-system-arm";

/// Makes sure that guests can be built and run; returns the QEMU to run them.
pub(crate) fn ensure() -> Result<Qemu, Box<dyn Error>> {
    ensure_target()?;
    ensure_qemu()
}

/// Makes sure that guests can be built.
pub(crate) fn ensure_target() -> Result<(), Box<dyn Error>> {
    while let Some(target) = guest::missing_target() {
        say(&format!("adding the target {target} (rustup)"));
        add_target(target)?;
        if guest::missing_target() == Some(target) {
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
    apt_get(&["update", "-q"])?;
    let suite = backports_suite();
    match &suite {
        // A refusal, over what else is installed, is no reason to have none.
        Some(suite) => install(Some(suite)).or_else(|_| install(None))?,
        None => install(None)?,
    }
    Ok(Qemu::find()?)
}

/// Installs the QEMU of the distribution's backports over an older one, if apt has them
/// configured. Says why not where it does not; that is no error, since the older one will do.
pub(crate) fn ensure_newer_qemu() -> Result<(), Box<dyn Error>> {
    if env::var_os("QEMU").is_some_and(|name| !name.is_empty()) {
        say("QEMU names the emulator to be used; nothing is installed");
        return Ok(());
    }
    if !can_apt() {
        say("a newer QEMU is installed only by root, by apt-get");
        return Ok(());
    }
    apt_get(&["update", "-q"])?;
    match backports_suite() {
        Some(suite) => install(Some(&suite)),
        None => {
            say("apt has no backports configured with a QEMU for this release; it stays as it is");
            Ok(())
        }
    }
}

/// The backports that apt has configured, if they have QEMU. Its sources are the user's affair.
fn backports_suite() -> Option<String> {
    let os_release = fs::read_to_string("/etc/os-release").ok()?;
    let codename = backports::codename(&os_release)?;
    let madison = output("apt-cache", &["madison", PACKAGE])?;
    backports::suite(PACKAGE, codename, &madison)
}

fn install(suite: Option<&str>) -> Result<(), Box<dyn Error>> {
    let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
    if let Some(suite) = suite {
        arguments.extend(["-t", suite]);
    }
    arguments.push(PACKAGE);
    say(&format!(
        "installing QEMU (apt-get {})",
        arguments.join(" ")
    ));
    apt_get(&arguments)
}

fn apt_get(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let status = command("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`apt-get {}` failed ({status})", arguments.join(" ")).into()),
    }
}

/// Whether packages can be installed without asking: by root, where there is apt-get.
fn can_apt() -> bool {
    output("id", &["-u"]).as_deref() == Some("0") && output("apt-get", &["--version"]).is_some()
}

/// What a command that succeeds writes.
fn output(name: &str, arguments: &[&str]) -> Option<String> {
    let output = command(name).args(arguments).output().ok()?;
    let success = output.status.success();
    success.then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
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
