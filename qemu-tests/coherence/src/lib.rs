//! Judges whether written instructions were made visible before they are executed.
//!
//! A word of text that a CPU has stored may be executed when these steps have been taken in
//! this order (Arm ARM B2.4.4): a clean of its line, unless CTR_EL0.IDC; a DSB; an invalidation
//! of the instruction cache, unless CTR_EL0.DIC; a DSB; all on the CPU that stored; and then a
//! context synchronisation event on the CPU that executes.
//!
//! [`Judge`] receives the operations of the CPUs and returns [`Violation`]s. A plugin in QEMU feeds
//! it, and so do the tests here.

mod cache;
mod config;
mod judge;
mod op;
mod report;
mod violation;
mod word;

pub use cache::Cache;
pub use config::{Config, ConfigError, Region};
pub use judge::Judge;
pub use op::{Op, OpKind};
pub use report::{Counts, End, Line, Ops};
pub use violation::{Address, Missing, Violation, When};
