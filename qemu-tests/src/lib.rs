//! Runs arm64 guests on emulated CPUs and compares their text before and after.
//!
//! A guest is an ELF image that logs `defmt` frames over the PL011, leaves its result in the static
//! `demo_outcome` and ends by PSCI `SYSTEM_OFF`. QEMU then stays paused, and its memory is read
//! from outside: a test compares memory, and does not rely on the guest's own report.
//!
//! ```no_run
//! use qemu_tests::{Image, Launch, Machine, Profile, Qemu, guest};
//!
//! # fn main() -> Result<(), qemu_tests::Error> {
//! let image = Image::open(&guest::build("kernel-demo", Profile::Release)?)?;
//! let run = Launch::new(&image, Machine::new("cortex-a76")).run(&Qemu::find()?)?;
//! assert_eq!(run.outcome.status, qemu_tests::Status::Ok);
//! # Ok(())
//! # }
//! ```

pub mod coherence;
pub mod compare;
pub mod console;
mod error;
pub mod examples;
pub mod facts;
pub mod figures;
mod freed;
pub mod guest;
mod launch;
pub mod litmus;
pub mod livepatch;
mod log;
mod log_line;
mod machine;
mod memory;
pub mod mutants;
pub mod observe;
mod process;
mod profile;
mod qemu;
mod qmp;
pub mod results;
pub mod sites;
pub mod skip;
pub mod trials;
mod version;

pub use alt_image::disasm;
pub use error::{Error, MutantError, Result};
pub use freed::Freed;
pub use launch::{
    Launch, Monitored, MonitoredRun, Outcome, PlainRun, Run, Status, Watched, WatchedRun,
};
pub use log_line::{Level, LogLine};
pub use machine::Machine;
pub use memory::Memory;
pub use profile::Profile;
pub use qemu::Qemu;
pub use test_support::{Image, Place, Section};
pub use version::Version;
