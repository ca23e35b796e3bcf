//! Boot-time code patching by CPU capability for arm64 kernels written in Rust.
#![no_std]

mod arch;
pub mod cap;
pub mod insn;
