//! The commands of README.md, run by a shell as they stand there.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use qemu_tests::{Profile, docs, flat, guest, skip};
use tempfile::TempDir;

use crate::cross::Cross;
use crate::run::{alt, finish};

#[test]
fn commands_of_the_readme_succeed() {
    let test = "commands_of_the_readme_succeed";
    if skip::without_guests(test) {
        return;
    }
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let file = |name: &str| dir.path().join(name);
    let kernel = guest::build("quickstart", Profile::Release).unwrap();
    fs::copy(kernel, file("kernel")).unwrap();
    // Memory as a `max` leaves it.
    let patched = file("patched").display().to_string();
    let kernel = file("kernel").display().to_string();
    let ran = alt(["apply", &kernel, "--cpu", "max", "-o", &patched]);
    assert_eq!(ran.status, 0, "{ran:?}");
    fs::copy(flat::image(Path::new(&patched)).unwrap(), file("m.bin")).unwrap();
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
