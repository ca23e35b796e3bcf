//! A shadow call stack by unwind tables: what is found in them, and what is refused.

#[path = "../common/memory.rs"]
mod memory;

mod changing;
mod damaged;
mod fixture;
mod found;
mod mutated;
mod refused;
