//! A64 words.
