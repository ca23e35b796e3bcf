//! Cpucaps: rules, detection, systems of several CPUs, late CPUs, overrides.

#![deny(missing_docs)]

mod detection;
mod late;
mod linux;
mod machines;
mod models;
mod overrides;
mod packed;
mod rules;
mod system;

mod cpucaps {
    alt_runtime::cpucaps!("../cpucaps.toml");
}
