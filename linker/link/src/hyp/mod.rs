//! Code for another exception level, before the link of the kernel: it is linked on its own into
//! one object, in sections and under names of its own.
//!
//! ```no_run
//! // build.rs
//! # fn build(archive: &str) -> Result<(), alt_linker::hyp::HypError> {
//! let object = alt_linker::hyp::Link::new("hyp.toml").name("hyp.nvhe").input(archive).link()?;
//! println!("cargo::rustc-link-arg={}", object.display());
//! # Ok(())
//! # }
//! ```
//!
//! `docs/hypervisor.md` says what the object has, what the manifest says, and what is refused.

mod check;
mod error;
mod given;
mod graph;
mod link;
mod lld;
pub mod manifest;
mod map;
mod name;
mod object;
pub mod pattern;
mod refusal;
mod script;
mod work;
mod write;

pub use error::HypError;
pub use link::Link;
pub use manifest::{Manifest, ManifestError};
pub use name::{Name, NameError};
pub use refusal::{Refusal, Refusals, Site, Use};
pub use script::PAGE;
pub use work::Work;
