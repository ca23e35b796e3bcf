//! Runs cargo for a guest, and takes the binary that it has made.

use super::target_dir;
use crate::{Error, Profile, Result};
use serde_json::Value;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::NamedTempFile;

/// cargo with the arguments that all builds of guests share.
pub(super) fn cargo(
    subcommand: &str,
    package: &str,
    profile: Profile,
    target_dir: &Path,
) -> Command {
    let mut command = test_support::cargo();
    command
        .args([subcommand, "--message-format", "json-render-diagnostics"])
        .args(["--package", package, "--profile", profile.of_cargo()])
        .arg("--target-dir")
        .arg(target_dir)
        .envs(profile.settings().iter().copied())
        .env("DEFMT_LOG", "info");
    command
}

/// Runs a build of a package. Returns a copy of its binary, which has the name of the package and is in
/// the folder `name`: the next build in the same target folder replaces the binary itself.
pub(super) fn binary(
    command: Command,
    package: &str,
    profile: Profile,
    name: &str,
) -> Result<PathBuf> {
    let messages = messages(command, package, profile)?;
    let built = executable(&messages, package).ok_or_else(|| no_binary(package, profile))?;
    let bytes = fs::read(&built).map_err(Error::io("reading a guest"))?;
    write(name, package, &bytes).map_err(Error::io("copying a guest"))
}

/// Writes an image of a package to the folder `name`. Returns its path.
pub(super) fn write(name: &str, package: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    write_to(&target_dir().join("images").join(name), package, bytes)
}

/// Writes a file as a whole: others may be using the one that it replaces.
fn write_to(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    let path = folder.join(name);
    file.persist(&path)?;
    Ok(path)
}

pub(super) fn no_binary(package: &str, profile: Profile) -> Error {
    Error::Build {
        package: package.into(),
        profile,
        problem: format!("it has no binary `{package}`"),
    }
}

/// Cargo's standard output if it succeeds: messages, one JSON object per line.
pub(super) fn messages(mut command: Command, package: &str, profile: Profile) -> Result<String> {
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

/// The binary among cargo's messages, one JSON object per line.
pub(super) fn executable(messages: &str, name: &str) -> Option<PathBuf> {
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
    fn a_file_is_replaced_and_not_its_contents() {
        let folder = tempfile::TempDir::new().unwrap();
        let images = folder.path().join("images");
        let path = write_to(&images, "guest", b"old").unwrap();
        let mut open = fs::File::open(&path).unwrap();
        assert_eq!(write_to(&images, "guest", b"new").unwrap(), path);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(io::read_to_string(&mut open).unwrap(), "old");
        assert_eq!(fs::read_dir(images).unwrap().count(), 1);
    }
}
