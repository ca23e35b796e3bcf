//! The plan: the words that it computes from records, and the records that it refuses.

mod callbacks;
mod edges;
mod errors;
mod image;
mod linked;
mod long;
mod memory;
mod other_address;
mod ranges;
mod reach;
mod relaxed;
mod words;
