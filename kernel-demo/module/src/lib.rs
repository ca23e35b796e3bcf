//! What kernel-demo and its module agree on.
#![no_std]

/// What the module can do: its static `demo_module`, the one symbol that the kernel
/// looks for.
#[repr(C)]
pub struct Operations {
    /// CRC-32C of `len` bytes at `data`, which must be readable. By the CPU, if it
    /// can; `by_cpu` is told whether it did.
    pub checksum: unsafe extern "C" fn(data: *const u8, len: usize, by_cpu: &mut bool) -> u32,
    /// Adds `n` to a counter of the module's own; returns the value before.
    pub count: extern "C" fn(n: u64) -> u64,
    /// Which [`variant`] of a site with several arms applies.
    pub variant: extern "C" fn() -> u64,
    /// What a callback of the kernel, `MODULE_TAG`, makes of a site.
    pub tag: extern "C" fn() -> u64,
    /// Calls the kernel's `demo_report` with this value and returns its answer.
    pub report: extern "C" fn(value: u64) -> u64,
}

/// The arms of the module's site with several arms; the first that holds wins.
pub mod variant {
    /// No arm holds.
    pub const DEFAULT: u64 = 0;
    /// LSE and SB.
    pub const BOTH: u64 = 1;
    /// LSE, or CRC32 without it.
    pub const ONE: u64 = 2;
    /// Nothing of it.
    pub const NONE: u64 = 3;
}
