//! The program `alt`, as its user sees it: one module for each command.

mod about;
mod apply;
mod build_script;
mod diff;
mod dump;
mod finish;
mod fixture;
mod input;
mod linux;
mod object;
mod pager;
mod readme;
mod run;
mod scs;
mod seal;
mod system;
mod upstream;
mod verify;
