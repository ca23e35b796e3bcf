//! A small arm64 kernel that patches its own text at boot, for QEMU's `virt` machine.
//!
//! It is entered at EL1 or EL2 and runs at EL1; entered at EL2, it installs the hypervisor that its
//! image contains. `cargo xtask demo` runs it and shows what it has patched.
//!
//! Where to look:
//!
//! * `boot`: the order of boot, with every call of alt-runtime. Start here.
//! * `smp`: how other CPUs are started, checked and stopped during the last pass.
//! * `features`: code with sites, for the kernel's own use.
//! * `module`: the loader of modules, which patches them before they can execute.
//! * `hyp`: the host of the hypervisor in `hyp/`, which is patched by the kernel's own passes.
//! * `livepatch`: the kernel's part of livepatch, which replaces functions of the running kernel.
//! * `platform`: the machine; `platform::memory` has the writable alias of the text, and
//!   `platform::entry` the cache invalidation that each CPU needs before it executes a site.
//! * `checks`: tests of alt-runtime, called by `boot` only. A real kernel does not need them.
//!
//! Modules use only those below them in this order: `boot`, `checks`, `livepatch`, `smp`, `hyp` and
//! `module`, `features`, `platform`.
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
mod livepatch;
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
