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
//! Also before it: code for another exception level, such as a hypervisor, is linked on its own
//! first, by [`hyp::Link`]. This needs the feature `link`.
//!
//! *After it*: what the program `alt` does, as a library. An [`Image`](image::Image) is a file,
//! its [`Records`](records::Records) are the table of sites in it, of our own layout or of
//! Linux's. This part needs the feature `tool`, which is on by default and
//! implies `link`.

mod assembly;
mod scripts;

pub use assembly::{cpucaps_inc, provide_assembly, write_assembly};
pub use scripts::{
    ALTERNATIVES_INIT_X, ALTERNATIVES_TABLES_X, ALTERNATIVES_X, TOGETHER_X, provide_scripts,
    write_scripts,
};

#[cfg(feature = "link")]
// Most of it is for the tool.
#[cfg_attr(not(feature = "tool"), expect(dead_code))]
pub(crate) mod encodings;
#[cfg(feature = "link")]
pub mod folding;
#[cfg(feature = "link")]
pub mod hyp;
#[cfg(feature = "link")]
pub mod inputs;
#[cfg(feature = "link")]
pub mod reach;
#[cfg(feature = "link")]
pub(crate) mod shown;

// A group, so that what needs the feature is said once; the files are not in a folder of it.
#[cfg(feature = "tool")]
#[path = ""]
mod tool {
    pub mod caps;
    pub(crate) mod check;
    pub mod code;
    pub mod diff;
    pub mod disasm;
    pub mod dump;
    pub mod graph;
    pub(crate) mod hex;
    pub mod image;
    pub mod listing;
    pub mod loaded;
    pub mod mutate;
    pub mod names;
    pub mod patching;
    pub mod records;
    pub mod seal;
    pub mod shadow_call_stack;
    pub mod stats;
    pub mod style;
    pub mod verify;

    pub use check::{CheckError, check_image, check_image_by};
}
#[cfg(feature = "tool")]
pub use tool::*;
