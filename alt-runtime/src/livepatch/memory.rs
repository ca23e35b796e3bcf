//! Memory for payloads, which the kernel provides.

use core::ops::Range;

/// The access that a part of a payload needs once it is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Rights {
    /// Read and execute: functions and replacements.
    ReadExecute,
    /// Read: constants, records, and the description of the payload.
    Read,
    /// Read and write: statics, and the loader's notes about the payload.
    ReadWrite,
}

/// A part of a payload's memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Bytes from the start of the memory. The start is a multiple of the page; the last page may be
    /// used in part.
    pub range: Range<u64>,
    /// The access that it needs.
    pub rights: Rights,
}

/// How a payload uses its memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    pub(super) parts: [Part; Self::PARTS],
}

impl Layout {
    /// A multiple of the address at which the memory begins: 64 KiB, the largest page.
    pub const ALIGN: u64 = super::format::SEGMENT_ALIGN as u64;

    /// Number of parts.
    const PARTS: usize = 4;

    /// The parts that are not empty, in ascending order. The memory between two of them is not used,
    /// and need not be mapped.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| !part.range.is_empty())
    }

    /// Bytes of all parts together, in whole pages of `page` bytes, a power of two.
    pub fn resident(&self, page: u64) -> u64 {
        let sizes = self.parts().map(|part| part.range.end - part.range.start);
        sizes.map(|size| size.next_multiple_of(page)).sum()
    }

    /// Bytes from the start of the memory to the end of the last part.
    pub fn size(&self) -> u64 {
        self.parts().map(|part| part.range.end).max().unwrap_or(0)
    }
}

/// Memory that the kernel has provided for a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block {
    /// The address at which the payload runs: a multiple of [`Layout::ALIGN`].
    pub address: u64,
    /// The same memory, as the loader reads and writes it, at a multiple of 16; usually this pointer
    /// has that address.
    pub pointer: *mut u8,
}

// SAFETY: a block is two numbers to safe code; an access through the pointer is `unsafe`.
unsafe impl Send for Block {}
// SAFETY: as for `Send`.
unsafe impl Sync for Block {}

/// Provides memory for payloads.
///
/// # Safety
/// The memory of a block is valid for reads and writes of all its parts by
/// [`pointer`](Block::pointer), and is used by nothing else. After
/// [`protect`](Self::protect), the parts with [`Rights::ReadWrite`] are still valid for writes, and
/// all parts for reads, from every CPU, until [`free`](Self::free). The block runs at its address.
pub unsafe trait PayloadMemory {
    /// Why there is no memory, or its access could not be changed.
    type MemoryError;

    /// Bytes of a page: a power of two, at most [`Layout::ALIGN`].
    const PAGE: u64;

    /// Provides memory for `layout`, readable and writable and not executable. The branches of
    /// `near`, the text of the image, should reach it: it must be within 128 MiB of each place there.
    /// The loader refuses memory that is out of reach of a function that it has to redirect.
    ///
    /// # Errors
    /// The kernel's own; the payload is not loaded.
    fn allocate(&mut self, layout: &Layout, near: Range<u64>) -> Result<Block, Self::MemoryError>;

    /// Gives each part the access that it needs. The loader has made the content of the executable
    /// part visible to instruction fetch.
    ///
    /// # Errors
    /// The kernel's own; the loader frees the memory.
    fn protect(&mut self, block: &Block, layout: &Layout) -> Result<(), Self::MemoryError>;

    /// Frees the memory, protected or not. No CPU executes the payload any more.
    fn free(&mut self, block: Block, layout: &Layout);
}
