//! The plan: what it makes of records, and what it refuses.

mod errors;
mod image;
mod words;
