//! A finding of the tools: what a rule reports about a linked image, or about the inputs of a link.
//!
//! [`Diagnostic`] has the parts of a finding and its text for a terminal. The programs add colours,
//! and the JSON keys of each command, to the same parts.

mod diagnostic;
mod location;

pub use diagnostic::{Diagnostic, Reference, Severity};
pub use location::Location;

/// The example of the package's page is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
