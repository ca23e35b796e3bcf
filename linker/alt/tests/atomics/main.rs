//! Outline atomics through the programs: `alt-ld` makes sites of the calls in a kernel, and each
//! command of `alt` knows them. What alt-ld cannot use is said, and the link succeeds by way of the
//! helpers, or writes nothing.

mod commands;
mod inputs;
mod support;
