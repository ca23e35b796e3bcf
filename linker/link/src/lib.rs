//! Around the link of a kernel with alternatives.
//!
//! *Before it*, for a kernel's build script: the linker-script fragment of `alt-runtime`, and,
//! with [`provide_assembly`], the macros for its `.S` files.
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
//! A kernel whose own linker script includes the fragment omits the second line:
//! `INCLUDE alternatives-init.x` inside its `SECTIONS`, in the init region. It can include `init-boot.x` in the
//! section of its init code, too ([`INIT_X`]): code of alt-runtime that is not called after boot.
//!
//! Also before it: code for another exception level, such as a hypervisor, is linked on its own
//! first, by [`partial_link::Link`]; [`branch_range::check`] finds branches that may not reach their target.
//!
//! *After it*, the packages `alt-image` and `alt-verify` read the linked image. This package
//! depends on neither, so that a build script compiles no disassembler.

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
pub use scripts::{
    ALTERNATIVES_INIT_X, ALTERNATIVES_TABLES_X, ALTERNATIVES_X, BUILD_ID_X, INIT_X, SECTIONS_X,
    TOGETHER_X, provide_scripts, write_scripts,
};

/// The examples of the package's page are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
