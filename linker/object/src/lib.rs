//! Inputs of a link: relocatable arm64 objects and the archives that contain them.
//!
//! This is the lowest package of the host tools. The branch-range lint and the partial link of
//! `alt-linker` read objects with it; `alt-image`, which reads linked images, shares its groups of
//! instructions and its demangled names. It needs no disassembler, so that the build script of a
//! kernel does not compile one.

pub mod display;
pub mod encodings;
pub mod inputs;
pub mod object;
pub mod rewrite;

/// The examples of the package's page are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
