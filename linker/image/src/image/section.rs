//! Sections, segments and relocations of an image.

use std::ops::Range;

/// The prefix of the names of sections that keep the records of a finished image.
pub(super) const COPY_PREFIX: &str = ".alt_raw_";

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name; invalid UTF-8 is replaced.
    pub name: String,
    /// Its addresses; meaningless unless it is loaded.
    pub range: Range<u64>,
    /// The range of its bytes in the file; empty if the file has none.
    pub file: Range<usize>,
    /// It is in memory when the image runs.
    pub loaded: bool,
    /// It holds instructions.
    pub executable: bool,
    /// It can be written.
    pub writable: bool,
    /// It may share addresses with others: the template of thread-local data.
    pub(super) thread_local: bool,
}

impl Section {
    /// The null section, the first of every file.
    pub(super) fn null() -> Self {
        Self {
            name: String::new(),
            range: 0..0,
            file: 0..0,
            loaded: false,
            executable: false,
            writable: false,
            thread_local: false,
        }
    }

    /// Whether it has bytes in the file.
    pub fn has_bytes(&self) -> bool {
        !self.file.is_empty()
    }

    /// The offset in the file of the byte at `address`.
    pub fn offset_of(&self, address: u64) -> Option<usize> {
        let from_start = usize::try_from(address.checked_sub(self.range.start)?).ok()?;
        (from_start < self.file.len()).then(|| self.file.start + from_start)
    }
}

/// A segment that is loaded (PT_LOAD).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its addresses in memory.
    pub range: Range<u64>,
    /// Its memory may be written.
    pub writable: bool,
    /// Its memory may be executed.
    pub executable: bool,
}

/// `R_AARCH64_ABS64`: ELF for the Arm 64-bit Architecture, 5.7.
pub const ABS64: u32 = 257;

/// A reference from one place to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// The address of the field or instruction.
    pub at: u64,
    /// `R_AARCH64_…` (ELF for the Arm 64-bit Architecture, "Relocation types").
    pub kind: u32,
    /// The target address: symbol plus addend.
    pub target: u64,
    /// The addend.
    pub addend: i64,
    /// The name of the symbol, mangled; empty for a section.
    pub symbol: String,
}
