//! Cpucaps: what the CPUs can do and what is wrong with them, as numbered facts.
//!
//! A kernel lists its cpucaps in a TOML file, and [`cpucaps!`](crate::cpucaps) turns the file
//! into one [`Cap`] constant each and a [`CapTable`]. The table looks at the ID registers
//! ([`IdRegs`]) and tells which cpucaps are present ([`CapSet`]), and why ([`Evidence`]).
//!
//! Everything here computes on values and runs on the host as well; only `IdRegs::read` touches
//! a CPU.

mod evidence;
mod id;
mod midr;
mod policy;
mod rule;
mod set;
mod snapshot;
mod table;

pub use alt_idregs as idregs;
pub use evidence::Evidence;
pub use id::{Cap, MAX_CAPS};
pub use midr::{MidrRange, RevidrFix, Revision};
pub use policy::{Kind, LatePolicy, Scope, Verdict};
pub use rule::Rule;
pub use set::{CapSet, Iter};
pub use snapshot::IdRegs;
pub use table::{CapInfo, CapTable, DetectError};
