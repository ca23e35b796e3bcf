//! A small image whose table has Linux's layout.

use std::path::{Path, PathBuf};

use test_support::{Cross, workspace};

/// Builds records.s below `dir`; what its sites must hold is in records.expect.
pub fn records(cross: &Cross, dir: &Path) -> PathBuf {
    let fixtures = workspace().join("linker/alt/tests/cli/linux");
    let image = dir.join("records");
    let mut rustc = cross.rustc();
    // One unit, since the order of the sections decides the addresses.
    rustc
        .args(["-Cpanic=abort", "-Ccodegen-units=1"])
        .arg("-Crelocation-model=static")
        .arg(fixtures.join("records.rs"))
        .arg("-o")
        .arg(&image)
        .arg(format!(
            "-Clink-arg=-T{}",
            fixtures.join("records.ld").display()
        ));
    let output = rustc.output().expect("rustc runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    image
}
