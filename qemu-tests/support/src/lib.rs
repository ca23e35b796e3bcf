//! Shared code of the tests of several packages: cross compiling and linking for arm64, reading linked
//! images, skipping tests, and the code blocks of the documents.
//!
//! This package is a leaf. It depends on no package of this workspace, so that each of them can use
//! it as a dev-dependency, and it reads images by its own code, not by the code under test.

mod crel;
mod cross;
pub mod docs;
pub mod elf_file;
mod image;
mod linker;
mod outlined_calls;
pub mod payload;
mod section;
pub mod signing;
pub mod skip;
mod tiny_elf;
mod toolchain;

pub use crel::with_crel;
pub use cross::Cross;
pub use image::{Image, ImageError, Place, Section};
pub use linker::{GNU_LD, Linker, rust_lld};
pub use outlined_calls::with_outlined_calls;
pub use section::unloaded_section;
pub use tiny_elf::TinyElf;
pub use toolchain::{
    HYP_TARGET, TARGET, cargo, core_source_is_there, missing_target, rustc, target_dir,
    target_is_there, workspace,
};
