//! Two builds of the kernel that can be livepatched, and the programs that compare them.

use super::source::Source;
use crate::demo::PACKAGE;
use alt_livepatch::archive::flags;
use qemu_tests::guest;
use std::{
    env,
    error::Error,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::SystemTime,
};
use test_support::{TARGET, target_dir, workspace};

/// The programs `alt` and `alt-ld`.
pub(super) struct Tools {
    alt: PathBuf,
    alt_ld: PathBuf,
}

impl Tools {
    /// Builds them.
    pub(super) fn build() -> Result<Self, Box<dyn Error>> {
        let mut command = test_support::cargo();
        command.args([
            "build",
            "--package",
            "alt-tool",
            "--bin",
            "alt",
            "--bin",
            "alt-ld",
        ]);
        if !command.status()?.success() {
            return Err("`alt` does not build; see above".into());
        }
        let program = |name| {
            let name = format!("{name}{}", env::consts::EXE_SUFFIX);
            target_dir().join("debug").join(name)
        };
        Ok(Self {
            alt: program("alt"),
            alt_ld: program("alt-ld"),
        })
    }

    /// Runs `alt livepatch`.
    pub(super) fn livepatch<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Output, Box<dyn Error>> {
        let mut command = Command::new(&self.alt);
        command.arg("livepatch").args(arguments);
        Ok(command.output()?)
    }
}

/// Builds the kernel from a copy of the sources, and copies the folder that `alt-ld` has kept to `to`.
pub(super) fn build(source: &Source, tools: &Tools, to: &Path) -> Result<(), Box<dyn Error>> {
    let target = folder().join("target");
    let mut command = test_support::cargo();
    command
        .current_dir(source.folder())
        .args(["build", "--release", "--package", PACKAGE, "--bin", PACKAGE])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&target)
        .env("ALT_REACH_ALLOW", guest::ALLOWED_REACH)
        .env(guest::LINKER, &tools.alt_ld)
        .env("DEFMT_LOG", "info");
    guest::set_flags(&mut command, flags::LINKER);
    if !command.status()?.success() {
        return Err("the kernel does not build; see above".into());
    }
    keep(&target.join(TARGET).join("release"), to)
}

/// Where everything of this task is.
pub(super) fn folder() -> PathBuf {
    let folder = target_dir().join("livepatch");
    match folder.is_absolute() {
        true => folder,
        false => workspace().join(folder),
    }
}

/// Copies the build that is beside the newest image to `to`.
fn keep(folder: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    let mut newest: Option<(SystemTime, PathBuf)> = None;
    for entry in fs::read_dir(folder.join("deps"))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "livepatch")
        {
            let time = fs::metadata(&path)?.modified()?;
            if newest.as_ref().is_none_or(|(other, _)| time > *other) {
                newest = Some((time, path));
            }
        }
    }
    let (_, path) = newest.ok_or("alt-ld has not kept the build")?;
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    copy(&path, to)
}

/// Copies a directory.
fn copy(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => {
                fs::copy(entry.path(), to)?;
            }
        }
    }
    Ok(())
}
