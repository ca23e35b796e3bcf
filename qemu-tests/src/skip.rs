//! Tests that cannot run here, said aloud.
//!
//! Rust's test runners know no test that skips itself: it passes, silently. So it says so here,
//! and `cargo xtask test` counts it as skipped and shows the reason.

use crate::{Error, Qemu, coherence::Plugin, guest};
use std::{
    env,
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
};

/// Variable with the path of the file that collects the reasons, one per line.
pub const FILE: &str = "QEMU_TESTS_SKIPPED";

/// Says that the calling test does not run, and why; the test returns then.
///
/// ```no_run
/// # use qemu_tests::{Qemu, Version, skip};
/// # fn test(qemu: &Qemu) {
/// if qemu.version() < Version::new(10, 0) {
///     return skip::because("late_cpu_is_parked: needs QEMU 10");
/// }
/// # }
/// ```
pub fn because(reason: &str) {
    eprintln!("skipped: {reason}");
    if let Some(path) = env::var_os(FILE)
        && let Err(error) = note(path.as_ref(), reason)
    {
        eprintln!("cannot note the skipped test: {error}");
    }
}

/// Adds a line to the file, in one write: tests at the same time must not mix theirs.
fn note(path: &Path, reason: &str) -> io::Result<()> {
    let line = reason.replace('\n', " ") + "\n";
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())
}

/// Whether no guest can be built and run here, because the Rust target or QEMU is missing. Says
/// so, and that `test` does not run; `cargo xtask test` installs both.
///
/// ```no_run
/// # fn test() {
/// if qemu_tests::skip::without_guests("late_cpu_is_parked") {
///     return;
/// }
/// # }
/// ```
pub fn without_guests(test: &str) -> bool {
    let missing = match (guest::missing_target(), Qemu::find()) {
        (Some(target), _) => format!("the Rust target {target} is missing"),
        (None, Err(Error::NoQemu { binary, .. })) => format!("{binary} is missing"),
        // Other errors are the test's own.
        (None, _) => return false,
    };
    because(&format!(
        "{test}: {missing}; `cargo xtask test` installs it"
    ));
    true
}

/// Whether the coherence plugin cannot be used here: no guest can be built or run, or QEMU cannot
/// load it. Says so, and that `test` does not run.
pub fn without_coherence(test: &str) -> bool {
    if without_guests(test) {
        return true;
    }
    match Qemu::find().and_then(|qemu| Plugin::find(&qemu)) {
        Err(error @ Error::NoPlugin { .. }) => {
            because(&format!("{test}: {error}"));
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_one_line() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("reasons");
        note(&path, "needs\nQEMU 10").unwrap();
        note(&path, "needs SVE").unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, "needs QEMU 10\nneeds SVE\n");
    }
}
