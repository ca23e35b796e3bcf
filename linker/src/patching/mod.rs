//! The patcher of `alt-runtime`, run on the host over an image's file.
//!
//! A [`Host`] is the image as the patcher sees one; Linux's records are turned into ours for it.

mod callbacks;
mod host;
mod linux;
mod text;

pub use host::{Host, HostError};
pub use linux::Problem;
