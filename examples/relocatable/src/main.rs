//! A kernel that relocates itself and runs where it was loaded, booted as a flat image.
//!
//! All memory is mapped writable a second time, in the upper half, and stays so, as in many kernels.
//! `alternatives.rs` is all that it takes to have it patched at boot; `sites.rs` has the code that is.
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
