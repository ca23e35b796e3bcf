//! The phases of boot as types, so that a kernel cannot call them in the wrong order.
//!
//! | type          | what is known               | the text is patched for      | next step |
//! |---------------|-----------------------------|------------------------------|-----------|
//! | [`Detected`]  | the boot CPU's ID registers | no CPU: the defaults run     | [`patch_boot`](Detected::patch_boot), on one CPU |
//! | [`Booted`]    | the cpucaps of boot scope   | the cpucaps of boot scope    | [`add_cpu`](Booted::add_cpu) for each other CPU, then [`finalise`](Booted::finalise) |
//! | [`Finalised`] | all cpucaps                 | all cpucaps                  | [`late_cpu`](Finalised::late_cpu) for each late CPU, [`patch_region`](Finalised::patch_region) for each module |
//!
//! A kernel that needs only one pass calls [`Detected::patch`] on the boot CPU before it starts
//! any other CPU; all other CPUs are then late CPUs.
//!
//! [`System`] combines the phases with the command line, the log and the hooks. Use the phases
//! directly if the kernel has to do something in between.

mod booted;
mod detected;
mod error;
mod finalised;
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
mod system;

#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
pub use crate::arch::invalidate_icache;
pub use booted::Booted;
pub use detected::Detected;
pub use error::FinaliseError;
pub use finalised::Finalised;
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
pub use system::System;
