//! Memory for the plan, where no linker script makes room for it.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::arch::Write;

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
/// It holds 12 bytes for each word, and lies in `.bss`. A pass needs one entry for each
/// instruction of each site that is linked, whether or not it changes; the error of the first pass
/// says how many these are.
#[derive(Debug)]
pub struct Room<const N: usize> {
    taken: AtomicBool,
    writes: UnsafeCell<[MaybeUninit<Write>; N]>,
}

// SAFETY: only the one who has taken the memory uses it.
unsafe impl<const N: usize> Sync for Room<N> {}

impl<const N: usize> Room<N> {
    /// Room that nobody has taken.
    pub const fn new() -> Self {
        Self {
            taken: AtomicBool::new(false),
            writes: UnsafeCell::new([MaybeUninit::uninit(); N]),
        }
    }

    /// The memory; `None` if it has been taken before.
    #[expect(clippy::mut_from_ref, reason = "one caller gets it, once")]
    pub fn take(&self) -> Option<&mut [MaybeUninit<Write>]> {
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
