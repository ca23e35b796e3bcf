//! Tests that cannot run here, said aloud.
//!
//! Rust's test runners know no test that skips itself: it passes, silently. So it says so here,
//! and `cargo xtask test` counts it as skipped and shows the reason.

use std::{env, fs::OpenOptions, io::Write};

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
    if let Some(path) = env::var_os(FILE) {
        let file = OpenOptions::new().create(true).append(true).open(path);
        // One write, so that tests at the same time do not mix their lines.
        if let Err(error) = file.and_then(|mut file| file.write_all(line(reason).as_bytes())) {
            eprintln!("cannot note the skipped test: {error}");
        }
    }
}

fn line(reason: &str) -> String {
    reason.replace('\n', " ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn reason_is_one_line() {
        assert_eq!(line("needs\nQEMU 10"), "needs QEMU 10\n");
    }
}
