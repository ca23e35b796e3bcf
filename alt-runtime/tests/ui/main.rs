//! The messages for mistakes in `alternative!`, `cpu_has_cap!` and files of `cpucaps!`.
//!
//! Each `fixtures/NAME.rs` has one mistake, and `fixtures/NAME.stderr` the output of rustc. The assembler
//! finds some mistakes, so code must be generated for the target. `trybuild` only checks for the host.
//!
//! `BLESS=1 cargo test --test ui` writes the `.stderr` files anew: read the
//! difference as a user would.

use std::path::{Path, PathBuf};
use std::{env, fs};

use test_support::{Cross, workspace};

#[test]
fn mistakes_are_explained() {
    let Some(cross) = Cross::new("mistakes_are_explained") else {
        return;
    };
    let bless = env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let fixtures = fixtures();
    assert!(!fixtures.is_empty());
    for fixture in &fixtures {
        let expected = fixture.with_extension("stderr");
        let stderr = stderr(&cross, fixture);
        if bless {
            fs::write(&expected, &stderr).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != stderr {
            wrong.push(format!("{}: now\n{stderr}", expected.display()));
        }
        if !points_at(&stderr, fixture) {
            wrong.push(format!("{}: no line of it is named", fixture.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n(BLESS=1 accepts)",
        wrong.join("\n\n")
    );
}

/// Paths from the root of the repository, sorted.
fn fixtures() -> Vec<PathBuf> {
    let files = fs::read_dir(workspace().join("alt-runtime/tests/ui/fixtures")).unwrap();
    let mut fixtures: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    fixtures.sort();
    fixtures
}

/// What the compiler says; it must refuse the fixture.
fn stderr(cross: &Cross, fixture: &Path) -> String {
    let object = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui.o");
    let output = cross
        .rustc()
        .args(["--crate-type=lib", "--emit=obj", "-o"])
        .arg(object)
        .arg(fixture.file_name().unwrap())
        .current_dir(fixture.parent().unwrap())
        // `cpucaps!` looks for its file there.
        .env("CARGO_MANIFEST_DIR", fixture.parent().unwrap())
        .output()
        .unwrap();
    assert!(!output.status.success(), "{} compiles", fixture.display());
    String::from_utf8(output.stderr).unwrap()
}

/// Found when the object is laid out, where no one knows places of the source any more.
const WITHOUT_PLACE: &str = "cpu_has_cap-too-far.rs";

/// The first error has a place in the fixture, and none is in a file of ours.
fn points_at(stderr: &str, fixture: &Path) -> bool {
    let places = || {
        stderr
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("--> "))
    };
    let name = fixture.file_name().unwrap().to_str().unwrap();
    let first = places().next();
    first.map_or(name == WITHOUT_PLACE, |place| place.starts_with(name))
        && places().all(|place| place.starts_with(name) || place.starts_with("<inline asm>"))
}
