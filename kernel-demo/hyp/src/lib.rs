//! The hypervisor of kernel-demo: code for EL2 in the kernel's image, which runs at addresses of its
//! own and refers only to those symbols of the kernel that `hyp.toml` allows.
//!
//! Without the feature `image` the crate consists of [`abi`], the interface of kernel and
//! hypervisor. With it, the build script of kernel-demo builds it as a static library, once for each
//! value of HCR_EL2.E2H, and alt-linker makes a relocatable object of each.
#![no_std]

pub mod abi;

#[cfg(all(target_os = "none", feature = "image"))]
mod image;
