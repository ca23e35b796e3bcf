//! The platform of a small guest: a map of all memory, one to one and writable, a console, and
//! PSCI's SYSTEM_OFF. Empty on the host.
#![no_std]

#[cfg(target_os = "none")]
mod flat;

#[cfg(target_os = "none")]
pub use flat::{Alias, power_off, print, text};
