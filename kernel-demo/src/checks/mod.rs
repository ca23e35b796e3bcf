//! Tests of alt-runtime: checks of each feature against a plain model, proofs that faults are noticed,
//! and stress on several CPUs. Only `boot` calls them. A real kernel does not need this folder.
//!
//! A check runs before the pass, when every site holds its default, and after it.

mod atomic;
mod callbacks;
mod compute;
pub mod costs;
pub mod hyp;
pub mod livepatch;
mod memory;
pub mod module;
mod outline;
mod platform;
mod probe;
pub mod proofs;
mod speculation;
pub mod stress;

use alt_runtime::cap::{Cap, CapSet};
use defmt::{Format, error, info};
use linkme::distributed_slice;

use crate::platform::outcome::Failed;

pub use callbacks::prepare;

/// The state of the text: the decisions that it was patched by. While nothing is decided, every site
/// holds its default.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Cpucaps that the text was patched for.
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

    /// Whether the text is as on a CPU with `cap`.
    pub fn has(&self, cap: Cap) -> bool {
        self.decided.contains(cap) && self.present.contains(cap)
    }

    /// Whether the text is as on a CPU without `cap`.
    pub fn lacks(&self, cap: Cap) -> bool {
        self.decided.contains(cap) && !self.present.contains(cap)
    }
}

/// A result that differs from the model's.
#[derive(Format)]
pub struct Mismatch {
    what: &'static str,
    got: u64,
    expected: u64,
}

impl Mismatch {
    /// A result that has no value to compare; `got` says which one it is.
    pub fn of(what: &'static str, got: u64) -> Self {
        Self {
            what,
            got,
            expected: 0,
        }
    }
}

/// A check of one feature.
pub struct Check {
    name: &'static str,
    run: fn(&Context<'_>) -> Result<(), Mismatch>,
}

/// All checks; each file adds its own.
#[distributed_slice]
pub static CHECKS: [Check];

/// Compares a result with the model's.
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

/// Runs all checks and logs each; `phase` is "before" or "after" the pass,
/// or "livepatch".
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
