//! The plan: what it makes of records, and what it refuses.

#[path = "../common/memory.rs"]
mod memory;

mod callbacks;
mod edges;
mod errors;
mod image;
mod linked;
mod long;
mod other_address;
mod ranges;
mod reach;
mod relaxed;
mod words;
