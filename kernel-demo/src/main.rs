//! A small arm64 kernel that adapts its own text at boot.
//!
//! It boots on QEMU's `virt` machine, entered at EL1 or EL2, runs at EL1, finds out what the CPU can do,
//! rewrites its text accordingly, and exercises each place before and after. Entered at EL2, it
//! installs the hypervisor there that its image carries.
//! `cargo xtask demo` runs it and shows what it did.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod checks;
#[cfg(target_os = "none")]
mod cmdline;
#[cfg(target_os = "none")]
mod cpucaps;
#[cfg(target_os = "none")]
mod entry;
#[cfg(target_os = "none")]
mod exceptions;
#[cfg(target_os = "none")]
mod extable;
#[cfg(target_os = "none")]
mod firmware;
#[cfg(target_os = "none")]
mod hooks;
#[cfg(target_os = "none")]
mod hyp;
#[cfg(target_os = "none")]
mod interrupts;
#[cfg(target_os = "none")]
mod kernel;
#[cfg(target_os = "none")]
mod log;
#[cfg(target_os = "none")]
mod memory;
#[cfg(target_os = "none")]
mod module;
#[cfg(target_os = "none")]
mod outcome;
#[cfg(target_os = "none")]
mod pool;
#[cfg(target_os = "none")]
mod proofs;
#[cfg(target_os = "none")]
mod smp;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("kernel-demo runs on aarch64-unknown-none: use `cargo xtask demo`");
}
