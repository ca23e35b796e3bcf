//! The hypervisor of kernel-demo: code that its image carries for EL2, where it has addresses of
//! its own and may reach nothing of the kernel but what `hyp.toml` allows.
//!
//! Without the feature `image` there is only [`abi`], what the kernel and the hypervisor agree on.
//! With it the build script of kernel-demo makes a static library of it, once for each value of
//! HCR_EL2.E2H, and alt-linker one relocatable object of that.
#![no_std]

pub mod abi;

// A group, so that what it needs is said once; the files are not in a folder of it.
#[cfg(all(target_os = "none", feature = "image"))]
#[path = ""]
mod image {
    mod cpucaps;
    mod entry;
    mod handle;
    mod init;
    mod kernel;
    mod panic;
    mod services;
}
