//! The commands of README.md, run by a shell as they stand there.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use test_support::{Cross, Image, TARGET, cargo, docs, target_dir};

use crate::run::{alt, finish};

#[test]
fn commands_of_the_readme_succeed() {
    let test = "commands_of_the_readme_succeed";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let file = |name: &str| dir.path().join(name);
    fs::copy(quickstart(), file("kernel")).unwrap();
    // Memory as a `max` leaves it.
    let patched = file("patched").display().to_string();
    let kernel = file("kernel").display().to_string();
    let ran = alt(["apply", &kernel, "--cpu", "max", "-o", &patched]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let memory = Image::open(Path::new(&patched)).unwrap().flat().unwrap();
    fs::write(file("m.bin"), memory).unwrap();
    // An object and an archive.
    fs::write(file("entry.rs"), "#![no_std]\npub fn entry() {}\n").unwrap();
    for (emit, output) in [("obj", "entry.o"), ("link", "libkernel.a")] {
        let mut rustc = cross.rustc();
        rustc.args(["--crate-type=rlib", &format!("--emit={emit}")]);
        rustc.arg("-o").arg(file(output)).arg(file("entry.rs"));
        assert!(rustc.status().unwrap().success());
    }

    let blocks = docs::blocks().unwrap();
    let shown: Vec<_> = blocks
        .iter()
        .filter(|block| block.language == "sh" && block.place.starts_with("README.md"))
        .flat_map(|block| block.text.lines())
        .filter(|line| line.starts_with("alt "))
        .collect();
    assert!(shown.len() > 5, "{shown:?}");
    let programs = Path::new(env!("CARGO_BIN_EXE_alt")).parent().unwrap();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = [programs.to_owned()]
        .into_iter()
        .chain(env::split_paths(&path));
    let path = env::join_paths(path).unwrap();
    for line in shown {
        let mut shell = Command::new("sh");
        shell.current_dir(dir.path()).env("PATH", &path);
        let ran = finish(shell.args(["-c", line]));
        assert_eq!(ran.status, 0, "{line}: {ran:?}");
    }
}

/// Builds the kernel of the README's quick start.
fn quickstart() -> PathBuf {
    let dir = target_dir().join("tmp/cross");
    let status = cargo()
        .args(["build", "--quiet", "--package", "quickstart", "--release"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&dir)
        .status();
    assert!(status.unwrap().success());
    dir.join(TARGET).join("release/quickstart")
}
