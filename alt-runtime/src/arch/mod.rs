//! What depends on the machine: cache maintenance, and the routine that writes text. The code is for the target only; the data that it
//! works on is for the host as well.

mod maintenance;

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod commit;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod mask;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod sync;
mod wait;

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
pub(crate) use commit::{Job, commit};
pub use maintenance::Maintenance;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
pub use sync::forget_fetched;
pub(crate) use wait::wait_if_requested;
