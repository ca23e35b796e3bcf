//! Installs the prerequisites: the targets' core libraries, QEMU, and tools of the tests.
//! Where the user must decide, it prints the commands instead.

mod apt;
mod backports;
mod change;
mod qemu;
mod rust;

use apt::Apt;
pub(crate) use qemu::Age;
use qemu_tests::Qemu;
use std::{
    error::Error,
    process::{Command, Stdio},
};
use test_support::{GNU_LD, workspace};

/// The package with GNU's linker and assembler for arm64, and its programs.
const BINUTILS: (&str, &str) = ("binutils-aarch64-linux-gnu", GNU_LD);

/// Makes sure that guests can be built and run; returns the QEMU to run them.
pub(crate) fn ensure(age: Age) -> Result<Qemu, Box<dyn Error>> {
    rust::ensure_target()?;
    qemu::ensure(age)
}

/// The same, and the programs without which tests are skipped.
pub(crate) fn ensure_for_tests() -> Result<Qemu, Box<dyn Error>> {
    let qemu = ensure(Age::New)?;
    rust::add_core_source();
    if let Err(why) = add_binutils() {
        say(&format!(
            "{why}; tests that link by GNU ld or assemble by GNU as are skipped"
        ));
    }
    Ok(qemu)
}

/// Makes sure that guests can be built.
pub(crate) fn ensure_target() -> Result<(), Box<dyn Error>> {
    rust::ensure_target()
}

fn add_binutils() -> Result<(), Box<dyn Error>> {
    let (package, program) = BINUTILS;
    let mut version = Command::new(program);
    version.arg("--version").stdout(Stdio::null());
    if version.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    let apt = Apt::find().ok_or_else(|| format!("{program} is missing (Debian: {package})"))?;
    apt.update()?;
    apt.install(package)
}

/// Prints one line about the current action.
fn say(what: &str) {
    anstream::eprintln!("set-up: {what}");
}

/// Runs in the workspace, whose toolchain file selects the toolchain.
fn command(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(workspace());
    command
}
