//! arm64 images with alternatives, as an ELF file on the host: linked ones, and objects.
//!
//! An [`Image`](image::Image) is a file; its [`Records`](records::Records) are the table of sites
//! in it, in the layout of `alt-runtime` or of Linux. [`caps`] evaluates the cpucaps of an image
//! for a given machine, and [`patching`] runs the patcher of `alt-runtime` over the file, without
//! a CPU of that kind. [`dump`], [`stats`] and [`diff`] are the models behind the commands of the
//! program `alt`.

pub mod atomics;
pub mod caps;
pub mod code;
pub mod diff;
pub mod disasm;
pub mod dump;
pub mod evidence;
pub mod finished;
pub mod graph;
pub mod hex;
pub mod image;
pub mod listing;
pub mod load;
pub mod memory;
pub mod names;
pub mod packed;
pub mod patcher;
pub mod patching;
pub mod records;
pub mod rewritten;
pub mod shadow_call_stack;
pub mod stats;
pub mod style;
pub mod vdso;

/// The examples of the package's page are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
