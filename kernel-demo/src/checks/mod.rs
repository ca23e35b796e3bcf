//! What the kernel does differently on different CPUs, one use in each file, and
//! the check that both ways give the right result.
//!
//! Each check runs before the pass, when every site has its default text, and
//! after it, and compares with a plain Rust model.

pub mod acquire;
pub mod atomic;
pub mod atomic128;
pub mod barrier;
pub mod callbacks;
pub mod constant_time;
pub mod copy;
pub mod crc32;
pub mod entropy;
pub mod hardening;
pub mod interrupts;
pub mod mix;
pub mod persist;
pub mod speculation;
pub mod spinlock;
pub mod timer;
pub mod user;
pub mod wait;

use alt_runtime::cap::{Cap, CapSet};
use defmt::{Format, error, info};
use linkme::distributed_slice;

use crate::kernel::Failed;

/// What a check may rely on: the cpucaps that the text fits. Where nothing is
/// decided yet the text is the default, which fits every CPU.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Cpucaps of which the text takes account.
    pub decided: &'a CapSet,
    /// Those of them that are present.
    pub present: &'a CapSet,
}

impl Context<'_> {
    /// The text as it was linked.
    pub const DEFAULT: Context<'static> = Context {
        decided: &CapSet::EMPTY,
        present: &CapSet::EMPTY,
    };

    /// Whether the text is now that of a CPU with `cap`.
    pub fn has(&self, cap: Cap) -> bool {
        self.decided.contains(cap) && self.present.contains(cap)
    }

    /// Whether the text is now that of a CPU without `cap`.
    pub fn lacks(&self, cap: Cap) -> bool {
        self.decided.contains(cap) && !self.present.contains(cap)
    }
}

/// A result that the model does not agree with.
#[derive(Format)]
pub struct Mismatch {
    what: &'static str,
    got: u64,
    expected: u64,
}

impl Mismatch {
    /// Something that is not there at all, of this number.
    pub fn of(what: &'static str, got: u64) -> Self {
        Self {
            what,
            got,
            expected: 0,
        }
    }
}

/// One use of cpucaps and its check.
pub struct Check {
    name: &'static str,
    run: fn(&Context<'_>) -> Result<(), Mismatch>,
}

/// All checks: each file registers its own.
#[distributed_slice]
pub static CHECKS: [Check];

/// `Ok` if the kernel's result is the model's.
pub fn equal(what: &'static str, got: u64, expected: u64) -> Result<(), Mismatch> {
    if got == expected {
        Ok(())
    } else {
        Err(Mismatch {
            what,
            got,
            expected,
        })
    }
}

/// Runs all checks and logs each; `phase` is "before" or "after" the pass.
pub fn run(phase: &str, context: &Context<'_>) -> Result<(), Failed> {
    let mut result = Ok(());
    for check in CHECKS {
        match (check.run)(context) {
            Ok(()) => info!("check {=str} {=str} ok", phase, check.name),
            Err(mismatch) => {
                error!("check {=str} {=str} FAILED {}", phase, check.name, mismatch);
                result = Err(Failed);
            }
        }
    }
    result
}
