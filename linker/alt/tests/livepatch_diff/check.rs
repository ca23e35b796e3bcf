//! Compares the kernel with a change of it, by `alt` and by a disassembler.

use test_support::skip;

use super::oracle;
use super::support::{Built, Edit, MODES, Mode, diff};

/// The kernel with a change against the kernel, by both kinds of LTO: the status, and exactly these
/// lines; a line may begin with the only kind, as `Fat| `. What is said of instructions must be what a disassembler says.
#[track_caller]
pub fn check(test: &str, edits: &[Edit<'_>], status: i32, expected: &[&str]) {
    check_modes(test, &MODES, edits, status, expected);
}

/// The same, for some kinds of LTO.
#[track_caller]
pub fn check_modes(test: &str, modes: &[Mode], edits: &[Edit<'_>], status: i32, expected: &[&str]) {
    if skip::without_target(test) {
        return;
    }
    for mode in modes {
        // Relaxation depends on distances, which the disassembly would show.
        let relax = ["-Clink-arg=--no-relax"];
        let (old, new) = (
            Built::new(*mode, &[], &relax),
            Built::new(*mode, edits, &relax),
        );
        let expected = expected
            .iter()
            .filter_map(|line| match line.split_once("| ") {
                Some((only, line)) => (only == format!("{mode:?}")).then_some(line),
                None => Some(*line),
            });
        let expected: Vec<&str> = expected.collect();
        let outcome = diff(&old.image(), &new.image(), &[]);
        let lines = outcome.lines();
        assert!(
            lines == expected && outcome.status == status,
            "{mode:?}: status {}\n{:#?}\n{}{}",
            outcome.status,
            lines,
            outcome.messages(),
            outcome.stderr
        );
        oracle::check(test, &old, &new, &outcome);
    }
}
