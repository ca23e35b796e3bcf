//! Skipped tests.
//!
//! Rust's test runners have no result for a test that skips itself at run time: it passes without a
//! word. Such a test reports its reason here; `cargo xtask test` counts it as skipped and prints
//! the reason.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use crate::toolchain::{TARGET, target_is_there};

/// The environment variable with the path of the file that collects the reasons, one per line.
pub const FILE: &str = "QEMU_TESTS_SKIPPED";

/// Reports why the calling test does not run; the test returns afterwards.
///
/// ```
/// # use test_support::skip;
/// # fn test(version: u32) {
/// if version < 10 {
///     return skip::because("late_cpu_is_parked: needs QEMU 10");
/// }
/// # }
/// # test(11);
/// ```
pub fn because(reason: &str) {
    eprintln!("skipped: {reason}");
    if let Some(path) = env::var_os(FILE)
        && let Err(error) = note(path.as_ref(), reason)
    {
        eprintln!("cannot record the skipped test: {error}");
    }
}

/// Whether nothing can be compiled for [`TARGET`]; reports that `test` is skipped then.
pub fn without_target(test: &str) -> bool {
    let is_missing = !target_is_there();
    if is_missing {
        because(&format!(
            "{test}: needs the target {TARGET} (rustup target add {TARGET})"
        ));
    }
    is_missing
}

/// Whether a program of the GNU binutils for arm64 is missing; reports that `test` is skipped then.
pub fn without_binutils(test: &str, program: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    let is_missing = !output.is_ok_and(|output| output.status.success());
    if is_missing {
        because(&format!(
            "{test}: needs {program} (Debian: binutils-aarch64-linux-gnu)"
        ));
    }
    is_missing
}

/// Appends a line to the file in one write, so that lines of parallel tests do not mix.
fn note(path: &Path, reason: &str) -> io::Result<()> {
    let line = reason.replace('\n', " ") + "\n";
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    #[test]
    fn each_reason_is_one_line() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("reasons");
        note(&path, "needs\nQEMU 10").unwrap();
        note(&path, "needs SVE").unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(text, "needs QEMU 10\nneeds SVE\n");
    }
}
