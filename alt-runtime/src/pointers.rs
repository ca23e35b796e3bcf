//! Relocation of absolute pointers in a part of the image that runs at another address.
//!
//! Code for another exception level, such as a hypervisor, is linked into the kernel's image but
//! mapped at another address by its own page tables. Its instructions are PC-relative; the pointers
//! in its data (function tables, vtables, slices) have the kernel's addresses. The partial link of
//! `alt-linker` lists these pointers in a section `.NAME.pointers`. [`fix`] converts them to the new
//! addresses, once, at boot, before that code runs.
//!
//! ```
//! use alt_runtime::pointers::{self, Slots, Shift};
//! use alt_runtime::region::Table;
//!
//! // Two words of data at 0x1008; the first one is a pointer into the image.
//! let mut data = [0x1004, 7];
//! // The list is linked at 0x1000: 0x1000 + 8 is the address of the pointer.
//! let list = Table::new(0x1000, &[8]);
//! let shift = Shift::new(0x1000..0x2000, 0x80_0000_1000)?;
//! let slots = [Slots::new(0x1008, &mut data)];
//! assert_eq!(pointers::fix(&list, &slots, &shift), Ok(1));
//! assert!(pointers::fix(&list, &slots, &shift).is_err()); // not twice
//! drop(slots);
//! assert_eq!(data, [0x80_0000_1004, 7]);
//! # Ok::<_, pointers::PointerError>(())
//! ```

use core::cell::Cell;
use core::ops::Range;
use core::{error, fmt, slice};

use crate::region::Table;

/// Writable memory, in words of 8 bytes, that may contain pointers.
///
/// The address is the link address, which may differ from the address of the mapping.
#[derive(Debug)]
pub struct Slots<'a> {
    address: u64,
    words: &'a [Cell<u64>],
}

impl<'a> Slots<'a> {
    /// The words of `memory`, linked at `address`, a multiple of 8.
    pub fn new(address: u64, memory: &'a mut [u64]) -> Self {
        Self {
            address,
            words: Cell::from_mut(memory).as_slice_of_cells(),
        }
    }

    /// `len` words at `start`, linked at `address`, a multiple of 8.
    ///
    /// # Safety
    /// The words must be valid for reads and writes for `'a`, `start` a multiple of 8, and nothing
    /// else may access them during `'a`.
    pub const unsafe fn from_raw(address: u64, start: *mut u64, len: usize) -> Self {
        Self {
            address,
            // SAFETY: the caller's promise; a cell has the layout of its content.
            words: unsafe { slice::from_raw_parts(start.cast(), len) },
        }
    }

    /// The word at an address that is a multiple of 8.
    fn at(&self, address: u64) -> Option<&'a Cell<u64>> {
        // Rotation turns a distance that is not a multiple of 8 into a value above any index.
        let index = address.wrapping_sub(self.address).rotate_right(3);
        self.words.get(usize::try_from(index).ok()?)
    }
}

/// The map from link addresses to the addresses at which a part of the image runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shift {
    start: u64,
    len: u64,
    to: u64,
}

impl Shift {
    /// Maps the link addresses `image` to the addresses from `to`.
    ///
    /// # Errors
    /// [`PointerError::Ambiguous`] if the two ranges share an address, or one ends where the other
    /// begins: a pointer may point one past the last byte, and for a pointer into both ranges it is
    /// not known whether it has been fixed.
    pub const fn new(image: Range<u64>, to: u64) -> Result<Self, PointerError> {
        let shift = Self {
            start: image.start,
            len: image.end.saturating_sub(image.start),
            to,
        };
        // Distances wrap, so either range may end at the top of the address space.
        let apart =
            shift.start.wrapping_sub(to) > shift.len && to.wrapping_sub(shift.start) > shift.len;
        if apart {
            Ok(shift)
        } else {
            Err(PointerError::Ambiguous)
        }
    }

    /// The run-time address for the link address `address`; `None` outside the image. The end of the
    /// image is included: a pointer may point one past the last byte.
    pub const fn apply(&self, address: u64) -> Option<u64> {
        let offset = address.wrapping_sub(self.start);
        if offset <= self.len {
            Some(self.to.wrapping_add(offset))
        } else {
            None
        }
    }

    /// Whether [`apply`](Self::apply) may return `address`.
    const fn is_applied(&self, address: u64) -> bool {
        address.wrapping_sub(self.to) <= self.len
    }
}

/// Fixes all pointers of `list` and returns their number. Each entry of the list is the distance, in
/// bytes, from the entry to its pointer.
///
/// If one pointer cannot be fixed, none is changed.
///
/// # Errors
/// The error of the first entry, by address, that cannot be fixed.
pub fn fix(
    list: &Table<'_, i32>,
    slots: &[Slots<'_>],
    shift: &Shift,
) -> Result<usize, PointerError> {
    let mut previous = None;
    for slot in places(list) {
        if previous.is_some_and(|previous| slot <= previous) {
            return Err(PointerError::Unsorted { slot });
        }
        previous = Some(slot);
        if !slot.is_multiple_of(8) {
            return Err(PointerError::Misaligned { slot });
        }
        let value = cell(slots, slot)
            .ok_or(PointerError::Outside { slot })?
            .get();
        if shift.apply(value).is_none() {
            return Err(if shift.is_applied(value) {
                PointerError::AlreadyFixed { slot, value }
            } else {
                PointerError::NotInImage { slot, value }
            });
        }
    }
    for slot in places(list) {
        if let Some(cell) = cell(slots, slot) {
            cell.set(shift.apply(cell.get()).unwrap_or(cell.get()));
        }
    }
    Ok(list.len())
}

/// The addresses of the pointers of a list.
fn places(list: &Table<'_, i32>) -> impl Iterator<Item = u64> {
    list.iter()
        .map(|(address, offset)| address.wrapping_add_signed((*offset).into()))
}

fn cell<'a>(slots: &[Slots<'a>], address: u64) -> Option<&'a Cell<u64>> {
    slots.iter().find_map(|slots| slots.at(address))
}

/// Why no pointer was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PointerError {
    /// The new address range overlaps the old one, or is adjacent to it.
    Ambiguous,
    /// The list is not in ascending order, or has a pointer twice.
    Unsorted {
        /// Address of the pointer that is out of order.
        slot: u64,
    },
    /// A pointer is not at a multiple of 8.
    Misaligned {
        /// Its address.
        slot: u64,
    },
    /// A pointer is not in the data that may be written.
    Outside {
        /// Its address.
        slot: u64,
    },
    /// A pointer has been fixed before.
    AlreadyFixed {
        /// Its address.
        slot: u64,
        /// Its value.
        value: u64,
    },
    /// A pointer does not point into the image.
    NotInImage {
        /// Its address.
        slot: u64,
        /// Its value.
        value: u64,
    },
}

impl PointerError {
    /// Its number in `docs/errors.md`, which is never given to another error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Ambiguous => 621,
            Self::Unsorted { .. } => 622,
            Self::Misaligned { .. } => 623,
            Self::Outside { .. } => 624,
            Self::AlreadyFixed { .. } => 625,
            Self::NotInImage { .. } => 626,
        }
    }
}

impl fmt::Display for PointerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Ambiguous => f.write_str("the new addresses overlap the old ones, or touch them"),
            Self::Unsorted { slot } => {
                write!(
                    f,
                    "the list of pointers is not sorted, or has {slot:#x} twice"
                )
            }
            Self::Misaligned { slot } => {
                write!(f, "the pointer at {slot:#x} is not 8-byte aligned")
            }
            Self::Outside { slot } => {
                write!(
                    f,
                    "the pointer at {slot:#x} is outside the data to be fixed"
                )
            }
            Self::AlreadyFixed { slot, value } => {
                write!(
                    f,
                    "the pointer at {slot:#x} has been fixed: it is {value:#x}"
                )
            }
            Self::NotInImage { slot, value } => write!(
                f,
                "the pointer at {slot:#x} does not point into the image: it is {value:#x}"
            ),
        }
    }
}

impl error::Error for PointerError {}
