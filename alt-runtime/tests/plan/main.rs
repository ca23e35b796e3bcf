//! The plan: what it makes of records, and what it refuses.

mod callbacks;
mod errors;
mod image;
mod reach;
mod words;
