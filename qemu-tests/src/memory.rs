//! Guest memory, as read from outside at one moment.

use crate::{Error, Result};
use std::ops::Range;

/// Captured ranges of guest physical memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    ranges: Vec<(u64, Vec<u8>)>,
}

impl Memory {
    /// Adds the bytes found at an address.
    pub(crate) fn add(&mut self, address: u64, bytes: Vec<u8>) {
        self.ranges.push((address, bytes));
    }

    /// The address ranges captured.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.ranges
            .iter()
            .map(|(start, bytes)| *start..start + bytes.len() as u64)
    }

    /// The `length` bytes at `address`.
    ///
    /// # Errors
    /// [`Error::NotCaptured`] unless one captured range holds them all.
    pub fn bytes(&self, address: u64, length: usize) -> Result<&[u8]> {
        self.ranges
            .iter()
            .find_map(|(start, bytes)| {
                let from = usize::try_from(address.checked_sub(*start)?).ok()?;
                bytes.get(from..from.checked_add(length)?)
            })
            .ok_or(Error::NotCaptured { address, length })
    }

    /// `count` 32-bit little-endian words from `address` on, for example instructions.
    ///
    /// # Errors
    /// [`Error::NotCaptured`] unless one captured range holds them all.
    pub fn words(&self, address: u64, count: usize) -> Result<Vec<u32>> {
        let bytes = self.bytes(address, count * 4)?;
        let (words, _) = bytes.as_chunks::<4>();
        Ok(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }

    /// The 32-bit little-endian word at `address`.
    ///
    /// # Errors
    /// [`Error::NotCaptured`] unless one captured range holds it.
    pub fn word(&self, address: u64) -> Result<u32> {
        Ok(self.words(address, 1)?[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        let mut memory = Memory::default();
        memory.add(0x1000, vec![0x1f, 0x20, 0x03, 0xd5, 1, 0, 0, 0]);
        memory
    }

    #[test]
    fn words_are_little_endian() {
        assert_eq!(memory().words(0x1000, 2).unwrap(), [0xd503_201f, 1]);
        assert_eq!(memory().word(0x1004).unwrap(), 1);
    }

    #[test]
    fn memory_outside_is_an_error() {
        for (address, length) in [(0xffc, 4), (0x1004, 8), (0x1008, 1), (u64::MAX, 1)] {
            assert!(
                matches!(memory().bytes(address, length), Err(Error::NotCaptured { address: a, length: l }) if (a, l) == (address, length)),
            );
        }
    }
}
