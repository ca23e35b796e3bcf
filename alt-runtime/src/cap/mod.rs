//! Cpucaps: the features and errata of the CPUs, as numbered facts.
//!
//! A kernel lists its cpucaps in a TOML file, and [`cpucaps!`](crate::cpucaps) turns the file into
//! a [`Cap`] constant for each and a [`CapTable`]. From the ID registers of a CPU ([`IdRegs`]) the
//! table computes which cpucaps are present ([`CapSet`]), and why ([`Evidence`]).
//!
//! The CPUs of a system may differ. [`SystemView`] collects the early ones until the cpucaps are
//! final; [`FinalCaps`] gives a verdict on those that come later. [`Overrides`] from the kernel
//! command line remove features from all of them; [`Enable`] hooks enable the features that were found.
//!
//! Everything here works on values and also runs on the host, except for [`IdRegs::read`].

mod cmdline;
mod entry;
mod final_caps;
mod id_regs;
mod info;
mod judge;
mod overrides;
mod packed;
mod rule;
mod set;
mod system_view;
mod table;
mod verdict;

pub use alt_cpu::{CapKind, LatePolicy, MAX_CAPS, MidrRange, RevidrFix, Revision, Scope, Verdict};
pub use cmdline::{MAX_OVERRIDES, OverrideError, Rejected};
pub use entry::{CapEntry, CapLinks, CapRule, Leaf};
pub use final_caps::FinalCaps;
pub use id_regs::{Difference, IdRegs};
pub use info::CapInfo;
pub use overrides::{Applied, Overrides};
#[doc(hidden)]
pub use packed::{Lengths, Packed};
pub use rule::{Evidence, Rule};
pub use set::{Cap, CapSet, Iter};
pub use system_view::SystemView;
pub use table::{CapTable, DetectError, Enable, Entries, run_hooks};
pub use verdict::{Conflict, CpuVerdict};

/// The ID registers and their fields.
pub mod idregs {
    pub use alt_cpu::{Encoding, Field, Register, Safe, Scheme, fields, for_each_register};
}
