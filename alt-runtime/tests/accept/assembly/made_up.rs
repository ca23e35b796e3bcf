//! A site by the macros of Rust, whose text the test sets.

#![no_std]

use alt_runtime::{alternative, cap::Cap};

const LSE: Cap = Cap::new(0, true);

/// The site.
pub fn site() {
    // SAFETY: never run.
    unsafe { alternative!(env!("DEFAULT"), LSE => env!("ARM")) }
}
