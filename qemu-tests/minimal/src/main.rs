//! The smallest kernel that patches itself. `cargo xtask sizes` links it in several configurations and
//! measures the images.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod board;
#[cfg(target_os = "none")]
mod kernel;
#[cfg(all(target_os = "none", feature = "patch"))]
mod patch;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("minimal-guest is for aarch64-unknown-none: use `cargo xtask sizes`");
}
