//! Judges whether written instructions were made visible before they are executed.
//!
//! A word of text that a CPU has stored may be executed when these steps have been taken in
//! this order (Arm ARM B2.4.4): a clean of its line, unless CTR_EL0.IDC; a DSB; an invalidation
//! of the instruction cache, unless CTR_EL0.DIC; a DSB; all on the CPU that stored; and then a
//! context synchronisation event on the CPU that executes.
//!
//! [`Judge`] is told what the CPUs do and answers with [`Violation`]s. It knows nothing of
//! where that comes from: a plugin in QEMU tells it, and the tests here do.

mod cache;
mod config;
mod judge;
mod op;
mod report;
mod word;

pub use cache::Cache;
pub use config::{Config, ConfigError, Region};
pub use judge::{Address, Judge};
pub use op::{Kind, Op};
pub use report::{Counts, End, Line, Missing, Ops, Violation, When};
