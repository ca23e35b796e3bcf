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
mod midr;
mod overrides;
mod policy;
mod rule;
mod sanitise;
mod set;
mod snapshot;
mod table;
mod view;

pub use alt_cpu as idregs;
pub use cmdline::{OverrideError, Rejected};
pub use conflict::{Conflict, CpuVerdict};
pub use difference::Difference;
pub use enable::{Enable, run_hooks};
pub use evidence::Evidence;
pub use id::{Cap, MAX_CAPS};
pub use midr::{MidrRange, RevidrFix, Revision};
pub use overrides::{Applied, MAX_OVERRIDES, Overrides};
pub use policy::{Kind, LatePolicy, Scope, Verdict};
pub use rule::Rule;
pub use set::{CapSet, Iter};
pub use snapshot::IdRegs;
pub use table::{CapInfo, CapTable, DetectError};
pub use view::{Final, SystemView};
