//! A mistake in the TOML file reaches the user through rustc.

use std::{fs, path::Path};

#[test]
fn rustc_shows_the_mistakes() {
    let tests = trybuild::TestCases::new();
    // The path is relative to the package being compiled, which is trybuild's own here.
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../tests/trybuild/alt-runtime");
    let input = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cap_ui/broken.toml");
    fs::create_dir_all(&package).unwrap();
    fs::copy(input, package.join("broken.toml")).unwrap();
    tests.compile_fail("tests/data/cap_ui/broken.rs");
}
