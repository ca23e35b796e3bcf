//! A test of `alt verify`: changes an image at random and counts the changes that are reported.
//!
//! `cargo xtask mutate` runs the program of this package, and the fuzz target `mutate` calls
//! [`mutate`]. The package is not published, since it tests the rules and not an image.

mod figures;
mod mutate;

pub use figures::{Figures, MutateError};
pub use mutate::{Progress, mutate};
