//! A kernel of several CPUs that patches its text in the two passes of the README.
//!
//! CPUs 1 to 3 start between the passes, CPU 4 after both. With `absent=N` on the command line,
//! CPU N joins and does not enter the rendezvous.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod alternatives;
#[cfg(target_os = "none")]
mod board;
#[cfg(target_os = "none")]
mod cpucaps;
#[cfg(target_os = "none")]
mod kernel;
#[cfg(target_os = "none")]
mod sites;
#[cfg(target_os = "none")]
mod smp;
#[cfg(target_os = "none")]
mod work;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("two-passes runs on aarch64-unknown-none, in QEMU: cargo xtask test");
}
