//! Livepatch on the host: the changes between two builds of a kernel.
//!
//! [`archive`] reads and writes the kept inputs of a build, [`model`] reads functions and data from them,
//! and [`diff`] compares two builds. [`payload`] makes the file that a kernel loads, and [`verify`] checks it.

pub mod archive;
pub mod diff;
pub mod model;
pub mod payload;
pub mod verify;

/// The examples of the package's page are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
