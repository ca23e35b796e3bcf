//! The plan: what it makes of records, and what it refuses.

#[path = "../common/memory.rs"]
mod memory;

mod callbacks;
mod edges;
mod errors;
mod image;
mod long;
mod other_address;
mod reach;
mod relaxed;
mod words;
