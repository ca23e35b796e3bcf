//! Livepatch: replaces functions of a running kernel, and restores them.
//!
//! A *payload* holds new functions and a description of what they replace. The host tool
//! `alt livepatch build` makes it from two builds of a kernel; `docs/livepatch.md` of the repository
//! describes both sides.

pub mod format;
