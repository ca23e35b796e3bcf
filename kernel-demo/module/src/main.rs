//! A module of kernel-demo: code that comes when the kernel runs, with sites of its
//! own.
//!
//! It is a relocatable object. The kernel embeds it, finds it a place, applies its
//! relocations, patches it by the cpucaps that are final by then, and only then
//! makes it executable.
//!
//! Its table of cpucaps is the kernel's: the numbers in its records are of the same
//! file. A kernel that loads modules from elsewhere has to compare, as Linux does by
//! its version magic.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod cpucaps;
#[cfg(target_os = "none")]
mod operations;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("demo-module is loaded by kernel-demo: use `cargo xtask demo`");
}
