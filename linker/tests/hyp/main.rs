//! The partial link of code for another exception level.

mod good;
mod support;
