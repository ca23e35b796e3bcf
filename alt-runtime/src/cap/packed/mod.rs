//! The rules of a table as they are in the image: 8 bytes for each test.
//!
//! The constants of a kernel's cpucaps ([`CapInfo`](super::CapInfo)) have 150 to 300 bytes each, with
//! names, descriptions and pointers. [`Packed`] is made from them at compile time, and nothing else gets
//! into the image. The rule of a cpucap is its tree in prefix order; `Not` is a bit of the node that it
//! negates. `tests/cap/packed.rs` compares the evaluation with that of the tree,
//! [`Rule::matches`](super::Rule::matches).

mod evaluate;
mod node;
mod table;

pub(super) use evaluate::{
    Custom, custom_of, decide, holds, is_conjunction, is_covered, is_plain_field,
};
pub(super) use node::{Cpu, Kind, Node};
#[cfg(not(target_os = "none"))]
pub(super) use table::{EMPTY_CUSTOM, EMPTY_LINK, EMPTY_NODE, Parts, pack};
pub use table::{Lengths, Packed};
pub(super) use table::{Link, Sets};
