//! Memory for modules: a pool of pages whose rights change.

use core::cell::UnsafeCell;
use core::ops::Range;
use core::slice;

use spin::mutex::SpinMutex;

use crate::platform::memory::{self, Rights};
use demo_object::PAGE;

/// Number of pages for all modules together.
const COUNT: usize = 32;

#[repr(C, align(4096))]
struct Pool(UnsafeCell<[u8; COUNT * PAGE]>);

// SAFETY: each page has one owner, a `Pages`.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool(UnsafeCell::new([0; COUNT * PAGE]));
/// One bit for each page that has an owner.
static TAKEN: SpinMutex<u32> = SpinMutex::new(0);

/// Consecutive pages, readable and writable until their owner changes that.
pub struct Pages(Range<usize>);

impl Pages {
    /// Takes zeroed pages for `bytes`; `None` if there are not enough consecutive free pages.
    pub fn take(bytes: usize) -> Option<Self> {
        let count = bytes.div_ceil(PAGE);
        let mut taken = TAKEN.lock();
        let first = (0..=COUNT.checked_sub(count)?)
            .find(|first| *taken & mask(&(*first..first + count)) == 0)?;
        let mut pages = Self(first..first + count);
        *taken |= mask(&pages.0);
        pages.bytes_mut().fill(0);
        Some(pages)
    }

    /// Their addresses.
    pub fn range(&self) -> Range<usize> {
        let start = POOL.0.get() as usize;
        start + self.0.start * PAGE..start + self.0.end * PAGE
    }

    /// The bytes; the owner must have left them writable.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let range = self.range();
        // SAFETY: this value owns the pages, and their bytes are always initialised.
        unsafe { slice::from_raw_parts_mut(range.start as *mut u8, range.len()) }
    }

    /// Keeps the pages of the first `bytes` and frees the others.
    pub fn truncate(&mut self, bytes: usize) {
        let end = self.0.end.min(self.0.start + bytes.div_ceil(PAGE));
        drop(Self(end..self.0.end));
        self.0.end = end;
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: this value owns the pages, and nothing uses them any more.
        unsafe { memory::set_rights(self.range(), Rights::ReadWrite) };
        *TAKEN.lock() &= !mask(&self.0);
    }
}

/// One bit for each of these pages.
fn mask(pages: &Range<usize>) -> u32 {
    let below = |page: usize| 1u64 << page;
    (below(pages.end) - below(pages.start)) as u32
}

/// Number of pages of the pool that are executable.
pub fn executable() -> usize {
    let start = POOL.0.get() as usize;
    memory::executable_pages(start..start + COUNT * PAGE)
}
