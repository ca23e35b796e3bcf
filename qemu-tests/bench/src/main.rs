//! Counts the instructions of checks, operations and passes.
//!
//! It runs in QEMU with `-icount`, where the PMU counts retired instructions exactly, and
//! prints one line per number. `cargo xtask bench` gives it tables to patch, reads the
//! lines and shows them.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod board;
#[cfg(target_os = "none")]
mod boot_path;
#[cfg(target_os = "none")]
mod callbacks;
#[cfg(target_os = "none")]
mod case;
#[cfg(target_os = "none")]
mod checks;
#[cfg(target_os = "none")]
mod counter;
#[cfg(target_os = "none")]
mod operations;
#[cfg(target_os = "none")]
mod pass;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("bench-guest runs on aarch64-unknown-none: use `cargo xtask bench`");
}
