//! The code in README.md and docs/, each block word for word inside of the code that it needs to be
//! compiled: `target/` for kernels, `host/` for build scripts and tools. The test `snippets` of
//! `qemu-tests` finds the blocks, here or in the sources of the examples and of guests.
#![cfg_attr(target_os = "none", no_std)]
#![allow(dead_code, missing_docs, reason = "blocks are shown, not used")]

#[cfg(not(target_os = "none"))]
mod host {
    mod cpucaps;
    mod hypervisor;
    mod observers;
    mod reach;
    mod readme;
}

#[cfg(target_os = "none")]
mod target {
    mod cpucaps;
    mod errors;
    mod reach;
    mod shadow_call_stack;
}
