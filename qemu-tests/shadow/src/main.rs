//! A guest whose functions sign their return addresses, and that attacks itself.
//!
//! On a CPU without pointer authentication it gives itself a shadow call stack. It prints the
//! result of the attack before and after.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod board;
#[cfg(target_os = "none")]
mod calls;
#[cfg(target_os = "none")]
mod kernel;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("shadow-guest runs on aarch64-unknown-none, in QEMU: cargo xtask test");
}
