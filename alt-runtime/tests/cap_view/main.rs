//! Several CPUs as one: sanitised registers, and what is decided on them.

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
