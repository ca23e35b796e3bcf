//! The number of a cpucap, and sets of these numbers.

use core::fmt;

use alt_cpu::MAX_CAPS;

/// The number of a cpucap.
///
/// It is the index of the cpucap in the kernel's [`CapTable`](super::CapTable), and what the records
/// in the image contain. A cap that is excluded by the kernel's configuration is *not possible*: it
/// is never detected, and code that depends on it is left out at compile time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cap {
    number: u16,
    possible: bool,
}

impl Cap {
    /// The cpucap with this number.
    ///
    /// # Panics
    ///
    /// If `number` is not below [`MAX_CAPS`]. Caps are constants, so this fails the build.
    pub const fn new(number: u16, possible: bool) -> Self {
        assert!((number as usize) < MAX_CAPS, "cpucap number out of range");
        Self { number, possible }
    }

    /// The number, below [`MAX_CAPS`].
    pub const fn number(self) -> u16 {
        self.number
    }

    /// Whether the kernel's configuration allows the cap.
    pub const fn is_possible(self) -> bool {
        self.possible
    }
}

const WORDS: usize = MAX_CAPS / 64;

/// A set of cpucaps, 32 bytes. It never contains one that is not possible.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CapSet {
    words: [u64; WORDS],
}

impl CapSet {
    /// The empty set.
    pub const EMPTY: Self = Self { words: [0; WORDS] };

    /// The set of all numbers below [`MAX_CAPS`], whether or not a table has them.
    pub const ALL: Self = Self {
        words: [u64::MAX; WORDS],
    };

    /// The empty set.
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// Adds a cap. This has no effect if the cap is not possible.
    pub const fn insert(&mut self, cap: Cap) {
        if cap.is_possible() {
            let (word, bit) = place(cap.number());
            self.words[word] |= bit;
        }
    }

    /// Removes a cap.
    pub const fn remove(&mut self, cap: Cap) {
        let (word, bit) = place(cap.number());
        self.words[word] &= !bit;
    }

    /// Adds or removes the cap with this number.
    #[inline(always)]
    pub(super) const fn set_number(&mut self, number: u16, is_present: bool) {
        let (word, bit) = place(number);
        match is_present {
            true => self.words[word] |= bit,
            false => self.words[word] &= !bit,
        }
    }

    /// The set of the numbers, counted from 0, to which `next` answers `true`, until it has no
    /// answer.
    #[inline(always)]
    pub(super) fn from_answers(mut next: impl FnMut() -> Option<bool>) -> Self {
        let mut set = Self::EMPTY;
        for word in &mut set.words {
            let mut bits = 0;
            for bit in 0..64 {
                let Some(is_in) = next() else {
                    *word = bits;
                    return set;
                };
                bits |= u64::from(is_in) << bit;
            }
            *word = bits;
        }
        set
    }

    /// The numbers in the set as bits, 64 in a word: bit 0 of the first word is number 0.
    pub(crate) const fn words(&self) -> &[u64; WORDS] {
        &self.words
    }

    /// The set with `cap` added, as by [`insert`](Self::insert).
    #[must_use]
    pub const fn with(mut self, cap: Cap) -> Self {
        self.insert(cap);
        self
    }

    /// Whether the set contains `cap`.
    pub const fn contains(&self, cap: Cap) -> bool {
        self.contains_number(cap.number())
    }

    /// Whether the set contains the cap with this number; `false` for a number that no cap can have.
    pub const fn contains_number(&self, number: u16) -> bool {
        let (word, bit) = place(number);
        (number as usize) < MAX_CAPS && self.words[word] & bit != 0
    }

    /// The number of caps in the set.
    pub const fn len(&self) -> usize {
        let mut len = 0;
        let mut word = 0;
        while word < WORDS {
            len += self.words[word].count_ones();
            word += 1;
        }
        len as usize
    }

    /// Whether the set is empty.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The caps that both sets contain.
    #[must_use]
    pub const fn intersect(mut self, other: &Self) -> Self {
        let mut word = 0;
        while word < WORDS {
            self.words[word] &= other.words[word];
            word += 1;
        }
        self
    }

    /// The caps that at least one of the sets contains.
    #[must_use]
    pub const fn union(mut self, other: &Self) -> Self {
        let mut word = 0;
        while word < WORDS {
            self.words[word] |= other.words[word];
            word += 1;
        }
        self
    }

    /// The caps in this set that are not in `other`.
    #[must_use]
    pub const fn difference(mut self, other: &Self) -> Self {
        let mut word = 0;
        while word < WORDS {
            self.words[word] &= !other.words[word];
            word += 1;
        }
        self
    }

    /// Whether `other` contains every cap of this set.
    pub const fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// The caps in the set, by ascending number.
    pub const fn iter(&self) -> Iter {
        Iter { rest: *self }
    }
}

/// The word and the bit of a number. The remainder avoids a bounds check: a [`Cap`] is in range.
const fn place(number: u16) -> (usize, u64) {
    (number as usize / 64 % WORDS, 1 << (number % 64))
}

/// The caps of a [`CapSet`], by ascending number.
#[derive(Clone, Debug)]
pub struct Iter {
    rest: CapSet,
}

impl Iterator for Iter {
    type Item = Cap;

    fn next(&mut self) -> Option<Cap> {
        for (index, word) in self.rest.words.iter_mut().enumerate() {
            if *word != 0 {
                let number = index * 64 + word.trailing_zeros() as usize;
                *word &= *word - 1;
                return Some(Cap::new(number as u16, true));
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest.len(), Some(self.rest.len()))
    }
}

impl ExactSizeIterator for Iter {}

impl IntoIterator for &CapSet {
    type Item = Cap;
    type IntoIter = Iter;

    fn into_iter(self) -> Iter {
        self.iter()
    }
}

impl FromIterator<Cap> for CapSet {
    fn from_iter<I: IntoIterator<Item = Cap>>(caps: I) -> Self {
        caps.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// The numbers, as in `{0, 1, 7}`.
impl fmt::Debug for CapSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Cap::number)).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for CapSet {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{:x}", self.words);
    }
}
