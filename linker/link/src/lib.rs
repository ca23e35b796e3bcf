//! The link of a kernel with alternatives, for its `build.rs`.
//!
//! ```no_run
//! // build.rs
//! # fn build() -> std::io::Result<()> {
//! alt_linker::provide_scripts()?;
//! println!("cargo::rustc-link-arg=-Talternatives.x");
//! # Ok(())
//! # }
//! ```
//!
//! - [`provide_scripts`] writes the linker-script [fragments](FRAGMENTS). A kernel whose own script has
//!   `INCLUDE alternatives-init.x` in its init region omits the second line above.
//! - [`provide_assembly`] writes the macros for `.S` files.
//! - [`partial_link::Link`] links code for another exception level, such as a hypervisor, before the
//!   kernel is linked.
//! - [`branch_range::check`] finds branches of short range whose targets may be out of range.
//!
//! The packages `alt-image` and `alt-verify` read the linked image. This package depends on neither, so a
//! build script compiles no disassembler.

mod assembly;
pub mod atomics;
pub mod branch_range;
pub mod folding;
pub mod map;
pub mod namespace;
pub mod partial_link;
mod scripts;
pub mod sorting;

pub use alt_diagnostic::{Diagnostic, Location, Reference, Severity};
pub use assembly::{cpucaps_inc, provide_assembly, write_assembly};
pub use scripts::{FRAGMENTS, provide_scripts, write_scripts};

/// The examples of the package's page are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
