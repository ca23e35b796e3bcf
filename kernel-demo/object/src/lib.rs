//! The part of kernel-demo's module loader that only computes: the layout of a module's file in
//! memory, and its relocation.
//!
//! It is a package of its own so that the tests can call it on the host.
#![no_std]

mod object;
pub mod relocation;

pub use object::{MAX_SIZE, Object, ObjectError, PAGE, Part};
