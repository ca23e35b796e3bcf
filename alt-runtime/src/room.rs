//! The entries of a plan, and memory for them where no linker script reserves it.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::slice;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::insn::Insn;

/// One word of text to write, and the one to put back if the pass is undone.
///
/// The section `alt_plan_size` has 12 bytes for each word of a site: that is how much
/// room a plan needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct PlannedWrite {
    /// Where, in bytes from the start of the text.
    pub offset: u32,
    // Both words as they are in memory: instructions are little-endian whatever
    // the data endianness (Arm ARM B2.9.1).
    pub(crate) after: u32,
    pub(crate) before: u32,
}

const _: () = assert!(size_of::<PlannedWrite>() == 12);

impl PlannedWrite {
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

/// The entries as words, three for each: memory in which the words of a site are computed before
/// they are planned.
#[inline(always)]
pub(crate) fn as_words(entries: &mut [MaybeUninit<PlannedWrite>]) -> &mut [MaybeUninit<Insn>] {
    let len = 3 * entries.len();
    // SAFETY: the words are the same memory, borrowed for as long. An entry is three `u32` without
    // padding (`repr(C)`, 12 bytes, checked above), and `Insn` is one (`repr(transparent)`); memory
    // that need not be initialised has no value that the other type could not have.
    unsafe { slice::from_raw_parts_mut(entries.as_mut_ptr().cast(), len) }
}

/// Room for a plan of `N` words, as a static of the kernel's:
///
/// ```
/// use alt_runtime::Room;
///
/// static ROOM: Room<1024> = Room::new();
/// let room = ROOM.take().unwrap_or_default();
/// assert_eq!(room.len(), 1024);
/// assert!(ROOM.take().is_none());
/// ```
///
/// It takes 12 bytes in `.bss` for each word. A pass needs one entry for each
/// instruction of each site that is linked, whether or not it changes; the error of the first pass
/// states their number.
#[derive(Debug)]
pub struct Room<const N: usize> {
    taken: AtomicBool,
    writes: UnsafeCell<[MaybeUninit<PlannedWrite>; N]>,
}

// SAFETY: `take` gives the memory to one caller only.
unsafe impl<const N: usize> Sync for Room<N> {}

impl<const N: usize> Room<N> {
    /// Room that has not been taken.
    pub const fn new() -> Self {
        Self {
            taken: AtomicBool::new(false),
            writes: UnsafeCell::new([MaybeUninit::uninit(); N]),
        }
    }

    /// The memory; `None` if it has been taken before.
    #[expect(clippy::mut_from_ref, reason = "one caller gets it, once")]
    pub fn take(&self) -> Option<&mut [MaybeUninit<PlannedWrite>]> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: the swap returned `false`, as it does for one caller only, so no other reference
        // to the memory exists; it lives as long as `self`.
        Some(unsafe { &mut *self.writes.get() })
    }
}

impl<const N: usize> Default for Room<N> {
    fn default() -> Self {
        Self::new()
    }
}
