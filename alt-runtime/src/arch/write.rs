//! One word to write.

use crate::insn::Insn;

/// One word of text to write, and the one to put back if the pass is undone.
///
/// The section `alt_plan_size` has 12 bytes for each word of a site: that is how much
/// room a plan needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Write {
    /// Where, in bytes from the start of the text.
    pub offset: u32,
    // Both words as they are in memory: instructions are little-endian whatever
    // the data endianness (Arm ARM B2.9.1).
    pub(super) after: u32,
    pub(super) before: u32,
}

const _: () = assert!(size_of::<Write>() == 12);

impl Write {
    /// The write that turns `before` into `after`.
    pub const fn new(offset: u32, before: Insn, after: Insn) -> Self {
        Self {
            offset,
            after: after.0.to_le(),
            before: before.0.to_le(),
        }
    }

    /// The word that is there.
    pub const fn before(&self) -> Insn {
        Insn(u32::from_le(self.before))
    }

    /// The word that will be there.
    pub const fn after(&self) -> Insn {
        Insn(u32::from_le(self.after))
    }
}
