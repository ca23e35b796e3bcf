//! Overrides from the kernel command line.

#![deny(missing_docs)]

mod effect;
mod fixture;
mod mistakes;
mod words;

mod cpucaps {
    alt_runtime::cpucaps!("../cpucaps.toml");
}
