//! A small arm64 kernel that patches its own text at boot.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
mod checks;
#[cfg(target_os = "none")]
mod features;
#[cfg(target_os = "none")]
mod hyp;
#[cfg(target_os = "none")]
mod module;
#[cfg(target_os = "none")]
mod platform;
#[cfg(target_os = "none")]
mod report;
#[cfg(target_os = "none")]
mod smp;

/// The cpucaps of this kernel.
#[cfg(target_os = "none")]
mod cpucaps {
    alt_runtime::cpucaps!("../cpucaps.toml");
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("kernel-demo runs on aarch64-unknown-none: use `cargo xtask demo`");
}
