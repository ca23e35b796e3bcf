//! Dumps of the memory of a running kernel.
//!
//! A dump is raw memory, or an ELF core file ([`core_file`]). Its text is placed by its contents
//! ([`locate`]): the kernel may have been loaded anywhere, and may run at other addresses than those
//! of the link (KASLR).

pub mod caps;
pub mod core_file;
pub mod locate;

/// A part of a dump.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'a> {
    /// The link address of the first byte.
    pub base: u64,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl Memory<'_> {
    /// The address after the last byte; the largest address if it would wrap.
    pub fn end(&self) -> u64 {
        self.base.saturating_add(self.bytes.len() as u64)
    }

    /// The word at an address.
    pub fn word(&self, address: u64) -> Option<u32> {
        let from = usize::try_from(address.checked_sub(self.base)?).ok()?;
        let bytes = self.bytes.get(from..from.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    /// The doubleword at an address.
    pub fn doubleword(&self, address: u64) -> Option<u64> {
        let from = usize::try_from(address.checked_sub(self.base)?).ok()?;
        let bytes = self.bytes.get(from..from.checked_add(8)?)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }
}
