//! `alt-ld --alt-keep` and `alt livepatch`: from two builds to a payload.
//!
//! Numbers in the names of tests are those of the behaviours in docs/livepatch.md.

mod archive;
mod keep;
mod kernel;
mod memory;
mod no_payload;
mod options;
mod payload;
mod sorting;
