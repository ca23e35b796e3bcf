//! The functions and data of a kept build.
