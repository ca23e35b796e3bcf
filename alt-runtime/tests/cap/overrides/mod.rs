//! Overrides from the kernel command line.

mod effect;
mod fixture;
mod mistakes;
mod words;
