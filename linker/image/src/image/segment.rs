//! The segments of an image: what a loader puts into memory, and the rights it gives.

use std::ops::Range;

/// A segment that is loaded (PT_LOAD).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The addresses it covers in memory.
    pub range: Range<u64>,
    /// Its memory may be written.
    pub writable: bool,
    /// Its memory may be executed.
    pub executable: bool,
}
