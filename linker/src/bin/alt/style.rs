//! Colours; `anstream` drops them where the output is no terminal, and for `NO_COLOR`.

pub use alt_linker::style::*;
