//! A module of kernel-demo: code with sites that is loaded while the kernel runs.
//!
//! It is a relocatable object. The kernel embeds it, copies it to free pages, applies its relocations,
//! patches it by its final cpucaps, and then makes it executable.
//!
//! It is compiled with the kernel's `cpucaps.toml`, so both have the same numbers of cpucaps. A kernel
//! that loads modules from elsewhere must compare the tables, as Linux compares the version magic.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod operations;

/// The cpucaps of the kernel.
#[cfg(target_os = "none")]
mod cpucaps {
    alt_runtime::cpucaps!("../../cpucaps.toml");
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("demo-module is loaded by kernel-demo: use `cargo xtask demo`");
}
