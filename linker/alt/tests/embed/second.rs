//! A crate that brings the same file along, or another.

#![no_std]

use core::hint::black_box;

mod cpucaps {
    #[cfg(other)]
    alt_runtime::cpucaps!("other.toml");
    #[cfg(not(other))]
    alt_runtime::cpucaps!("odd.toml");
}

/// To be called, so that the crate is linked.
pub fn run() {
    black_box(&cpucaps::TABLE);
}
