//! Sets of cpucaps.

use core::fmt;

use super::{Cap, MAX_CAPS};

const WORDS: usize = MAX_CAPS / 64;

/// A set of cpucaps, 32 bytes. It never holds one that is not possible.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CapSet {
    words: [u64; WORDS],
}

impl CapSet {
    /// The set of none.
    pub const EMPTY: Self = Self { words: [0; WORDS] };

    /// The set of every number there is, whether or not a table has it.
    pub const ALL: Self = Self {
        words: [u64::MAX; WORDS],
    };

    /// The set of none.
    pub const fn new() -> Self {
        Self::EMPTY
    }

    /// Adds a cap; no effect if it is not possible.
    pub const fn insert(&mut self, cap: Cap) {
        if cap.is_possible() {
            let (word, bit) = place(cap.number());
            self.words[word] |= bit;
        }
    }

    /// Takes a cap out.
    pub const fn remove(&mut self, cap: Cap) {
        let (word, bit) = place(cap.number());
        self.words[word] &= !bit;
    }

    /// The set with `cap` added.
    #[must_use]
    pub const fn with(mut self, cap: Cap) -> Self {
        self.insert(cap);
        self
    }

    /// Whether `cap` is in it.
    pub const fn contains(&self, cap: Cap) -> bool {
        self.contains_number(cap.number())
    }

    /// Whether the cap with this number is in it; `false` for a number no cap can have.
    pub const fn contains_number(&self, number: u16) -> bool {
        let (word, bit) = place(number);
        (number as usize) < MAX_CAPS && self.words[word] & bit != 0
    }

    /// The caps as bits, from number 0 on.
    pub(crate) const fn words(&self) -> &[u64; WORDS] {
        &self.words
    }

    /// How many are in it.
    pub const fn len(&self) -> usize {
        let mut len = 0;
        let mut word = 0;
        while word < WORDS {
            len += self.words[word].count_ones();
            word += 1;
        }
        len as usize
    }

    /// Whether none is in it.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The caps in both.
    #[must_use]
    pub const fn intersect(mut self, other: &Self) -> Self {
        let mut word = 0;
        while word < WORDS {
            self.words[word] &= other.words[word];
            word += 1;
        }
        self
    }

    /// The caps in either.
    #[must_use]
    pub const fn union(mut self, other: &Self) -> Self {
        let mut word = 0;
        while word < WORDS {
            self.words[word] |= other.words[word];
            word += 1;
        }
        self
    }

    /// The caps in this one that are not in `other`.
    #[must_use]
    pub const fn difference(mut self, other: &Self) -> Self {
        let mut word = 0;
        while word < WORDS {
            self.words[word] &= !other.words[word];
            word += 1;
        }
        self
    }

    /// Whether every cap in it is also in `other`.
    pub const fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// The caps in it, by ascending number.
    pub const fn iter(&self) -> Iter {
        Iter { rest: *self }
    }
}

/// Word and bit of a number. The remainder only spares the bounds check: a [`Cap`] is in range.
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
