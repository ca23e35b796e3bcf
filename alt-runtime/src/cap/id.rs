//! The name of one cpucap: a number.

use alt_cpu::MAX_CAPS;

/// One cpucap.
///
/// The number is its place in the kernel's [`CapTable`](super::CapTable) and what the records in
/// the image carry. A cap that the kernel's configuration rules out is *not possible*: it is
/// never detected, and code that asks for it is left out at compile time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cap {
    number: u16,
    possible: bool,
}

impl Cap {
    /// The cpucap with this number, below [`MAX_CAPS`].
    ///
    /// # Panics
    ///
    /// If `number` is out of range. Caps are constants, so that this fails the build.
    pub const fn new(number: u16, possible: bool) -> Self {
        assert!((number as usize) < MAX_CAPS, "cpucap number out of range");
        Self { number, possible }
    }

    /// Its place in the table, below [`MAX_CAPS`].
    pub const fn number(self) -> u16 {
        self.number
    }

    /// Whether the kernel's configuration allows it at all.
    pub const fn is_possible(self) -> bool {
        self.possible
    }
}
