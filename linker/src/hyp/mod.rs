//! Code for another exception level, before the link of the kernel: it is linked on its own into
//! one object, in sections and under names of its own.

pub mod manifest;
mod name;
pub mod pattern;

pub use manifest::{Manifest, ManifestError};
pub use name::{Name, NameError};
