//! The code that depends on the machine: cache maintenance, the routine that writes text, and the
//! loop in which other CPUs wait. Its data types and the decisions about them compile for the host
//! as well.

mod commit;
mod maintenance;
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
mod translation;
mod wait;

pub(crate) use commit::{Job, commit};
pub use maintenance::Maintenance;
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
pub use maintenance::invalidate_icache;
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
pub(crate) use translation::is_writable;
pub(crate) use wait::{Seat, wait_if_requested};

/// The bits of ID_AA64PFR1_EL1.NMI. If they are 0, FEAT_NMI and with it ALLINT are not implemented,
/// and no interrupt has superpriority.
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
const NMI: u64 = alt_cpu::fields::ID_AA64PFR1_EL1::NMI.insert(0, -1);

/// The encoding of `msr allint, #1`: assemblers accept the mnemonic only with FEAT_NMI enabled.
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
const MASK_ALL_INTERRUPTS: u32 = 0xd501_411f;
