//! A shadow call stack by unwind tables: what is found in them, and what is refused.

#[path = "../common/cross.rs"]
mod cross;
#[path = "../common/memory.rs"]
mod memory;

mod assembled;
mod changing;
mod damaged;
mod fixture;
mod found;
mod mutated;
mod refused;
