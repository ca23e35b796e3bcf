//! Skips tests that need guests where no guest can run.

use crate::{Error, Qemu, coherence::Plugin};
use test_support::missing_target;

pub use test_support::skip::{FILE, because};

/// Whether guests cannot be built or run because the Rust target or QEMU is missing. Reports that
/// `test` is skipped then; `cargo xtask test` installs both.
///
/// ```no_run
/// # fn test() {
/// if qemu_tests::skip::without_guests("late_cpu_is_parked") {
///     return;
/// }
/// # }
/// ```
pub fn without_guests(test: &str) -> bool {
    let missing = match (missing_target(), Qemu::find()) {
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

/// Whether the coherence plugin cannot be used, because guests cannot run or QEMU cannot load it.
/// Reports that `test` is skipped then.
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
