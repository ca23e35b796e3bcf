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
//! A kernel with a linker script of its own leaves out the second line and says
//! `INCLUDE alternatives-init.x` inside its `SECTIONS`, in the init region.
//!
//! *After it*: what the program `alt` does, as a library. An [`Image`](image::Image) is a file,
//! its [`Records`](records::Records) are the table of sites in it, of our own layout or of
//! Linux's. This part needs the feature `tool`, which is on by default.

mod assembly;
#[cfg(feature = "tool")]
pub mod caps;
#[cfg(feature = "tool")]
mod check;
#[cfg(feature = "tool")]
pub mod code;
#[cfg(feature = "tool")]
pub mod diff;
#[cfg(feature = "tool")]
pub mod disasm;
#[cfg(feature = "tool")]
pub mod dump;
#[cfg(feature = "tool")]
pub mod graph;
#[cfg(feature = "tool")]
mod hex;
#[cfg(feature = "tool")]
pub mod image;
#[cfg(feature = "tool")]
pub mod listing;
#[cfg(feature = "tool")]
pub mod loaded;
#[cfg(feature = "tool")]
pub mod mutate;
#[cfg(feature = "tool")]
pub mod names;
#[cfg(feature = "tool")]
pub mod patching;
#[cfg(feature = "tool")]
pub mod records;
mod scripts;
#[cfg(feature = "tool")]
pub mod seal;
#[cfg(feature = "tool")]
pub mod stats;
#[cfg(feature = "tool")]
pub mod style;
#[cfg(feature = "tool")]
pub mod verify;

pub use assembly::{cpucaps_inc, provide_assembly, write_assembly};
#[cfg(feature = "tool")]
pub use check::{CheckError, check_image, check_image_by};
pub use scripts::{ALTERNATIVES_INIT_X, ALTERNATIVES_X, provide_scripts, write_scripts};
