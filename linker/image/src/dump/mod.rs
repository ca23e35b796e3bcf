//! A dump of an image: every site with its arms.

mod build;
mod error;
mod filter;
mod groups;
mod model;
mod text;

pub use error::DumpError;
pub use filter::Filter;
pub use groups::{Group, Groups};
pub use model::{Arm, ArmKind, Callback, Dump, Instruction, SiteDump, SiteKind, Summary, Term};
