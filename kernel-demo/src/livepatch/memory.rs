//! Memory for payloads: blocks of the range [`PAYLOADS`], which the text reaches by a branch.

use core::ops::Range;

use alt_runtime::livepatch::{Block, Layout, PayloadMemory, Rights};
use thiserror::Error;

use crate::platform::board::{PAGE, PAYLOADS};
use crate::platform::memory;

/// Blocks begin on multiples of this.
const UNIT: usize = Layout::ALIGN as usize;
/// Number of units in the range.
const UNITS: usize = (PAYLOADS.end - PAYLOADS.start) / UNIT;

/// Why there is no memory.
#[derive(Clone, Copy, Debug, Error)]
pub enum MemoryError {
    /// No free range has this many bytes.
    #[error("no memory for a payload of {size} bytes")]
    Full {
        /// Bytes that the payload spans.
        size: usize,
    },
}

/// The blocks that payloads have taken.
pub struct Memory {
    /// One bit for each unit.
    taken: u128,
}

const _: () = assert!(UNITS <= u128::BITS as usize);

impl Memory {
    /// All of it is free.
    pub const fn new() -> Self {
        Self { taken: 0 }
    }

    /// The pages of the parts of a block that have these rights.
    fn pages(block: &Block, range: &Range<u64>) -> Range<usize> {
        let at = |offset: u64| block.address as usize + offset as usize;
        at(range.start)..at(range.end).next_multiple_of(PAGE)
    }
}

/// The bits of `count` units from `first` on.
fn mask(first: usize, count: usize) -> u128 {
    let ones = u128::MAX.checked_shr((u128::BITS as usize - count) as u32);
    ones.unwrap_or(0) << first
}

// SAFETY: the range is mapped at its physical address, readable and writable until `protect`, and
// nothing else uses it; each unit has one owner.
unsafe impl PayloadMemory for Memory {
    type MemoryError = MemoryError;

    const PAGE: u64 = PAGE as u64;

    fn allocate(&mut self, layout: &Layout, _: Range<u64>) -> Result<Block, MemoryError> {
        let size = layout.size() as usize;
        let full = MemoryError::Full { size };
        let count = size.div_ceil(UNIT);
        let last = UNITS.checked_sub(count).ok_or(full)?;
        let is_free = |first: &usize| self.taken & mask(*first, count) == 0;
        let first = (0..=last).find(is_free).ok_or(full)?;
        self.taken |= mask(first, count);
        let start = PAYLOADS.start + first * UNIT;
        Ok(Block {
            address: start as u64,
            pointer: start as *mut u8,
        })
    }

    fn protect(&mut self, block: &Block, layout: &Layout) -> Result<(), MemoryError> {
        for part in layout.parts() {
            let rights = match part.rights {
                Rights::ReadExecute => memory::Rights::Execute,
                Rights::Read => memory::Rights::ReadOnly,
                Rights::ReadWrite => memory::Rights::ReadWrite,
            };
            // SAFETY: the loader writes to the parts that stay writable only.
            unsafe { memory::set_rights(Self::pages(block, &part.range), rights) };
        }
        Ok(())
    }

    fn free(&mut self, block: Block, layout: &Layout) {
        for part in layout.parts() {
            // SAFETY: nothing uses the payload any more.
            unsafe {
                memory::set_rights(Self::pages(&block, &part.range), memory::Rights::ReadWrite);
            }
        }
        let first = (block.address as usize - PAYLOADS.start) / UNIT;
        self.taken &= !mask(first, (layout.size() as usize).div_ceil(UNIT));
    }
}

/// Number of pages of the range that are executable.
pub fn executable() -> usize {
    memory::executable_pages(PAYLOADS)
}
