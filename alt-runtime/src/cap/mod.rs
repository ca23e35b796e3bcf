//! Cpucaps: what the CPUs can do and what is wrong with them, as numbered facts.
//!
//! A kernel lists its cpucaps in a TOML file, and [`cpucaps!`](crate::cpucaps) turns the file
//! into one [`Cap`] constant each and a [`CapTable`]. The table looks at the ID registers
//! ([`IdRegs`]) and tells which cpucaps are present ([`CapSet`]), and why ([`Evidence`]).
//!
//! A system has many CPUs, and they differ: [`SystemView`] collects them until the cpucaps are
//! final, and [`Final`] judges those that come later. [`Overrides`] from the kernel command
//! line take features away from all of them; [`Enable`] hooks switch on what was found.
//!
//! Everything here computes on values and runs on the host as well; only `IdRegs::read` touches
//! a CPU.

mod cmdline;
mod conflict;
mod difference;
mod enable;
mod evidence;
mod id;
mod judge;
mod overrides;
mod rule;
mod sanitise;
mod set;
mod snapshot;
mod table;
mod view;

pub use alt_cpu::{CapKind, LatePolicy, MAX_CAPS, MidrRange, RevidrFix, Revision, Scope, Verdict};
pub use cmdline::{OverrideError, Rejected};
pub use conflict::{Conflict, CpuVerdict};
pub use difference::Difference;
pub use enable::{Enable, run_hooks};
pub use evidence::Evidence;
pub use id::Cap;
pub use overrides::{Applied, MAX_OVERRIDES, Overrides};
pub use rule::Rule;
pub use set::{CapSet, Iter};
pub use snapshot::IdRegs;
pub use table::{CapInfo, CapTable, DetectError};
pub use view::{Final, SystemView};

/// The ID registers and their fields.
pub mod idregs {
    pub use alt_cpu::{Encoding, Field, Register, Safe, Scheme, fields, for_each_register};
}
