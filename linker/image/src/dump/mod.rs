//! What is in an image: every site, and what it can become.

mod build;
mod error;
mod filter;
mod model;
mod text;

pub use error::DumpError;
pub use filter::Filter;
pub use model::{Arm, ArmKind, Callback, Dump, Instruction, SiteDump, SiteKind, Summary, Term};
