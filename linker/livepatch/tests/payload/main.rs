//! The writer of payloads, on parts and images of a few words.
//!
//! What it writes is read by the loader's own parser, by the `object` package, and, for words that
//! depend on addresses, by formulas of this test.

mod contents;
mod refused;
mod rules;
mod small;
