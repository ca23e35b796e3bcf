//! The writable alias: how a pass reaches text that is never writable.

use core::ops::Range;

/// A second mapping of the text, writable while a pass commits.
///
/// # Safety
/// Between [`open`](Self::open) and [`close`](Self::close) the returned pointer
/// must be valid for writes of every word of `text`, as Normal Write-Back
/// memory of the shareability of the text, and the same physical memory must be
/// mapped readable at `text` itself, where it is executed now or later: a text that
/// is not executable yet may be its own alias. After `close` no writable mapping of
/// it may be left.
pub unsafe trait WritableAlias {
    /// Why the alias could not be opened.
    type Error;

    /// Makes `text` (addresses at which it runs) writable somewhere else, and
    /// says where its first word is.
    ///
    /// # Errors
    /// The kernel's own; the pass ends, with nothing written.
    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Self::Error>;

    /// Takes the mapping away again, stale TLB entries included.
    fn close(&mut self);
}
