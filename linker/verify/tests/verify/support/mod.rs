//! Fixtures, and mistakes in rules files.

pub mod fixture;
pub mod mistakes;
