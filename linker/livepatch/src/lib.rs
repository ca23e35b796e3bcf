//! Livepatch on the host: what changed between two builds of a kernel.
//!
//! [`archive`] reads and writes what is kept of a build, [`model`] makes functions and data of it,
//! and [`diff`] compares two of them. [`payload`] makes what a kernel loads, and [`verify`] checks it.

pub mod archive;
pub mod diff;
pub mod model;
pub mod payload;
pub mod verify;

/// The examples of the package's page are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
