//! Livepatch: functions of this kernel are replaced while it runs.
//!
//! Payloads are files that the host has loaded, boot modules of the device tree. This module implements the
//! traits of the loader of alt-runtime: memory for payloads (`memory`), the CPUs and their stacks
//! (`cpus`), and the running image (`host`).

mod backtrace;
mod cpus;
mod host;
mod memory;

pub use cpus::held;
pub use host::{Host, start};
pub use memory::executable;

use alt_runtime::livepatch::Livepatch;

/// The payloads of this kernel.
pub static LIVEPATCH: Livepatch<4> = Livepatch::new();
