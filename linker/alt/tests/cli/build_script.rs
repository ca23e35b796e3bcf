//! `check_image`, called as a build script calls it: by a program that cargo would run.

use std::path::Path;
use std::process::Command;

use crate::fixture::{Fixture, file_with, word};
use crate::run::{Ran, finish};

/// Set for the process that plays the build script: the image to check.
const IMAGE: &str = "ALT_TEST_CHECKED_IMAGE";

/// Runs the test below in a process of its own, which plays the build script there.
fn build_script(image: &Path) -> Ran {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "build_script::a_clean_image_passes",
        "--nocapture",
    ]);
    finish(command.env(IMAGE, image))
}

/// What the `main` of a build script does; it fails by an error.
fn play(image: &Path) {
    println!();
    if let Err(error) = alt_verify::check_image(image) {
        eprintln!("Error: {error}");
        std::process::exit(1);
    }
}

fn to_cargo(ran: &Ran) -> Vec<&str> {
    let lines = ran.stdout.lines();
    lines.filter(|line| line.starts_with("cargo::")).collect()
}

#[test]
fn a_clean_image_passes() {
    if let Some(image) = std::env::var_os(IMAGE) {
        return play(Path::new(&image));
    }
    let Some(fixture) = Fixture::new("a_clean_image_passes") else {
        return;
    };
    let ran = build_script(fixture.path());
    assert_eq!(ran.status, 0, "{ran:?}");
    let path = fixture.path().display();
    assert_eq!(to_cargo(&ran), [format!("cargo::rerun-if-changed={path}")]);
}

#[test]
fn an_image_that_cannot_be_read_fails_the_build() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("kernel");
    let ran = build_script(&path);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("kernel: No such file"), "{ran:?}");
    // It is built again when the image is there.
    let again = format!("cargo::rerun-if-changed={}", path.display());
    assert_eq!(to_cargo(&ran), [again]);
}

#[test]
fn a_finding_fails_the_build() {
    let Some(fixture) = Fixture::new("a_finding_fails_the_build") else {
        return;
    };
    // A record of a branch asks for a cpucap that the image does not have.
    let record = fixture.range("alt_branches").start;
    let condition = word(&fixture.image, record + 4) & 0xffff_0000 | 200;
    let broken = file_with(&fixture.image, [(record + 4, condition)]);
    let broken = fixture.write("broken", broken);
    let ran = build_script(&broken);
    assert_eq!(ran.status, 1, "{ran:?}");
    let lines = to_cargo(&ran);
    let errors: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("cargo::error="))
        .collect();
    assert!(
        errors.iter().any(|line| line.contains(": [unknown-cap] ")),
        "{lines:?}"
    );
    let path = broken.display();
    let summary = format!(
        "Error: {path}: {} errors; see above, or run `alt verify {path}`\n",
        errors.len()
    );
    assert!(ran.stderr.contains(&summary), "{ran:?}");
}
