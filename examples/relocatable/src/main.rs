//! A position-independent kernel that relocates itself, booted as a flat image, with several CPUs.
//!
//! Its linear map of all memory is always writable. `alternatives.rs` is the integration of
//! alt-runtime, `sites.rs` the code that it patches. Every other file is part of any kernel.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod alternatives;
#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
mod console;
#[cfg(target_os = "none")]
mod kernel;
#[cfg(target_os = "none")]
mod memory;
#[cfg(target_os = "none")]
mod sites;
#[cfg(target_os = "none")]
mod smp;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("relocatable runs on aarch64-unknown-none, in QEMU: `cargo xtask examples`");
}
