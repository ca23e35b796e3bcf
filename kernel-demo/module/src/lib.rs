//! The interface of kernel-demo and its module.
#![no_std]

/// The operations of the module: its static `demo_module`, the only symbol that the kernel looks up.
#[repr(C)]
pub struct Operations {
    /// CRC-32C of `len` bytes at `data`, which must be readable. Sets `by_cpu` to whether the CPU's
    /// instructions computed it.
    pub checksum: unsafe extern "C" fn(data: *const u8, len: usize, by_cpu: &mut bool) -> u32,
    /// Adds `n` to a counter in the module's data; returns the old value.
    pub count: extern "C" fn(n: u64) -> u64,
    /// The [`variant`] of a site with several arms that was selected.
    pub variant: extern "C" fn() -> u64,
    /// The constant that the kernel's callback `MODULE_TAG` loads at a site.
    pub tag: extern "C" fn() -> u64,
    /// Calls the kernel's `demo_report` with this value and returns its result.
    pub report: extern "C" fn(value: u64) -> u64,
}

/// The variants of the site with several arms. The first arm whose condition holds is selected.
pub mod variant {
    /// The default: no condition holds.
    pub const DEFAULT: u64 = 0;
    /// LSE and SB are present.
    pub const BOTH: u64 = 1;
    /// LSE or CRC32 is present.
    pub const ONE: u64 = 2;
    /// SB is absent.
    pub const NONE: u64 = 3;
}
