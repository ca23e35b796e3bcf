//! The machine: addresses, console, time, interrupts, page tables, firmware and exceptions.
//!
//! Nothing in this folder uses the rest of the kernel, apart from the cpucaps. The memory map is
//! passed in.

pub mod alias;
pub mod board;
pub mod console;
pub mod device_tree;
pub mod entry;
pub mod exceptions;
pub mod firmware;
pub mod idregs;
pub mod image;
pub mod interrupts;
pub mod memory;
pub mod outcome;
pub mod tables;
pub mod timer;
