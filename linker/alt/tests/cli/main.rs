//! The program `alt`, as its user sees it: one module for each command.

#[path = "../linux/mod.rs"]
mod linux;

mod apply;
mod build_script;
mod diff;
mod fixture;
mod input;
mod readme;
mod run;
mod scs;
mod seal;
mod system;
mod upstream;
mod verify;
