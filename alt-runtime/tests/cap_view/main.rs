//! Systems of several CPUs: sanitised registers, and the caps that these decide.

#![deny(missing_docs)]

mod built_on;
mod decided;
mod fixture;
mod hooks;
mod models;
mod sanitised;

mod cpucaps {
    alt_runtime::cpucaps!("../cpucaps.toml");
}
