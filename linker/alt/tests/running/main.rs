//! `alt diff` as an integrity check of a running Linux.

mod ftrace;
mod kernel;
mod places;
mod program;
mod words;
