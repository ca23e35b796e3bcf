//! The lint of reach: before the final link it finds what the final link refuses, and nothing
//! else.

mod clean;
mod forms;
mod groups;
mod inputs;
mod link;
mod partial;
mod program;
mod symbols;
mod unchecked;
mod wrapper;
