//! The writable alias: how a pass reaches text that is not writable where it runs.

use core::convert::Infallible;
use core::ops::Range;

/// A second mapping of the text, writable while a pass commits.
///
/// # Safety
/// Between [`open`](Self::open) and [`close`](Self::close) the returned pointer must be valid for
/// reads and writes of every word of `text`, as Normal Write-Back memory of the shareability of
/// the text, and the same physical memory must be mapped readable at `text` itself, where it is
/// executed now or later: a text that is writable where it runs may be its own alias.
///
/// The kernel chooses whether a writable mapping is left after `close`. With [`MappedAlias`], a
/// stray write can reach the text during a pass only. With [`LinearAlias`], the text stays as
/// writable as it is without this crate. The pass is sound with both.
pub unsafe trait WritableAlias {
    /// Why the alias could not be opened.
    type Error;

    /// Makes `text`, given by the addresses at which it runs, writable at another address, and returns
    /// where its first word is there. If the text has several ranges, `text` is the whole span, from
    /// the start of the first range to the end of the last one; only words of the ranges are written.
    ///
    /// # Errors
    /// The kernel's own; the pass ends, with nothing written.
    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Self::Error>;

    /// Removes the mapping and its TLB entries, unless the mapping is to stay.
    fn close(&mut self);
}

/// Text that is always writable, at a fixed distance from where it runs: through the linear map of
/// all memory, which most kernels keep writable, or (at the distance 0) where it runs.
///
/// ```
/// use alt_runtime::patch::{LinearAlias, WritableAlias};
///
/// // Linked at 0xffff_8000_0000_0000, loaded at 0x4020_0000, and all memory mapped from
/// // 0xffff_0000_0000_0000 on.
/// const LINEAR: u64 = 0xffff_0000_0000_0000;
/// const IMAGE: u64 = 0xffff_8000_0000_0000;
/// // SAFETY: the map is made before the first pass, and stays.
/// let mut alias = unsafe { LinearAlias::new((LINEAR + 0x4020_0000).wrapping_sub(IMAGE)) };
/// let first = alias.open(IMAGE + 0x1000..IMAGE + 0x2000).unwrap_or_else(|never| match never {});
/// assert_eq!(first as u64, LINEAR + 0x4020_1000);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LinearAlias {
    offset: u64,
}

impl LinearAlias {
    /// Text that runs at an address `a` is writable at `a + offset`; the sum wraps.
    ///
    /// # Safety
    /// During each pass the memory at `a + offset` must be that of the text at `a`, for every word
    /// of the text, mapped readable and writable, as Normal Write-Back memory of the shareability
    /// of the text.
    pub const unsafe fn new(offset: u64) -> Self {
        Self { offset }
    }
}

// SAFETY: the promise given to `new`.
unsafe impl WritableAlias for LinearAlias {
    type Error = Infallible;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Infallible> {
        Ok(text.start.wrapping_add(self.offset) as *mut u32)
    }

    fn close(&mut self) {}
}

/// An alias that two functions of the kernel map and unmap.
#[derive(Clone, Debug)]
pub struct MappedAlias<M, U> {
    map: M,
    unmap: U,
    text: Range<u64>,
}

impl<M, U, E> MappedAlias<M, U>
where
    M: FnMut(Range<u64>) -> Result<*mut u32, E>,
    U: FnMut(Range<u64>),
{
    /// An alias from two functions. `map` receives the addresses of the text, makes it writable and
    /// returns where its first word can be written. `unmap` receives the same addresses.
    ///
    /// # Safety
    /// From the return of `map` to the call of `unmap` the mapping must satisfy
    /// [`WritableAlias`].
    pub const unsafe fn new(map: M, unmap: U) -> Self {
        Self {
            map,
            unmap,
            text: 0..0,
        }
    }
}

// SAFETY: the promise given to `new`.
unsafe impl<M, U, E> WritableAlias for MappedAlias<M, U>
where
    M: FnMut(Range<u64>) -> Result<*mut u32, E>,
    U: FnMut(Range<u64>),
{
    type Error = E;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, E> {
        self.text = text.clone();
        (self.map)(text)
    }

    fn close(&mut self) {
        (self.unmap)(self.text.clone());
    }
}
