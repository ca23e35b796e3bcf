//! The executable text of an image: one range of words, or several.
//!
//! A linker script may put part of the text elsewhere: exception vectors after the data, an
//! identity-mapped section. Each part is a [`TextRange`]; offsets of planned writes count from
//! the first one.

use core::fmt;
use core::ops::Range;

use super::Words;
use crate::insn::Insn;

/// The largest span of the text in bytes: a planned write has 32 bits for its offset.
const MAX_SPAN: u64 = 1 << 32;

/// The smallest page, in bytes. ADRP counts in these (Arm ARM C6.2.13).
const PAGE: u64 = 4096;

/// A part of the text, and further addresses at which the same memory executes.
#[derive(Clone, Copy, Debug)]
pub struct TextRange<'a> {
    words: Words<'a>,
    also_at: &'a [u64],
}

impl<'a> TextRange<'a> {
    /// `words`, which execute at their own addresses alone.
    pub const fn new(words: Words<'a>) -> Self {
        Self {
            words,
            also_at: &[],
        }
    }

    /// The same words, which also execute with the first one at each of `addresses`: exception
    /// vectors that are mapped a second time, code that runs before the MMU is on.
    ///
    /// An arm that refers to something outside of this range is then refused, since a
    /// PC-relative reference means another address at each place.
    #[must_use]
    pub const fn also_at(self, addresses: &'a [u64]) -> Self {
        Self {
            also_at: addresses,
            ..self
        }
    }

    /// The words.
    pub const fn words(&self) -> Words<'a> {
        self.words
    }

    /// Another address at which the first word executes.
    #[inline]
    pub(crate) fn alias(&self) -> Option<u64> {
        self.also_at.first().copied()
    }

    /// Whether the page at `address` shares a byte with the words.
    pub(crate) fn shares_page(&self, address: u64) -> bool {
        let start = self.words.range().start;
        let first = start & !(PAGE - 1);
        (address & !(PAGE - 1)).wrapping_sub(first)
            < start.wrapping_sub(first) + 4 * self.words.len() as u64
    }
}

/// The executable words of an image, in one or more ranges.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    first: TextRange<'a>,
    /// In ascending order, after the first one.
    rest: &'a [TextRange<'a>],
    /// A range also executes at another address.
    is_aliased: bool,
}

impl<'a> From<Words<'a>> for Text<'a> {
    fn from(words: Words<'a>) -> Self {
        Self {
            first: TextRange::new(words),
            rest: &[],
            is_aliased: false,
        }
    }
}

impl<'a> Text<'a> {
    /// The text that consists of `ranges`.
    ///
    /// # Errors
    /// There is no range, a range does not begin after the one before, the ranges span more than
    /// 4 GiB, or an address at which a range also executes is not a multiple of 4 KiB away.
    pub fn new(ranges: &'a [TextRange<'a>]) -> Result<Self, TextError> {
        let (first, rest) = ranges.split_first().ok_or(TextError::Empty)?;
        let start = first.words.range().start;
        // Counted from the first word: a text may end at the top of the address space.
        let mut end = 0;
        for range in ranges {
            let Range { start: address, .. } = range.words.range();
            let from = address.wrapping_sub(start);
            // A range below the first one is as far away as the address space is large.
            if from < end || from > u64::MAX / 2 {
                return Err(TextError::Order { address });
            }
            end = from.saturating_add(4 * range.words.len() as u64);
            if end > MAX_SPAN {
                return Err(TextError::TooLong { address });
            }
            let is_misplaced = |alias: &&u64| !alias.wrapping_sub(address).is_multiple_of(PAGE);
            if let Some(&alias) = range.also_at.iter().find(is_misplaced) {
                return Err(TextError::Alias { address, alias });
            }
        }
        Ok(Self {
            first: *first,
            rest,
            is_aliased: ranges.iter().any(|range| range.alias().is_some()),
        })
    }

    /// The ranges, in address order.
    pub fn ranges(&self) -> impl Iterator<Item = TextRange<'a>> + use<'a> {
        core::iter::once(self.first).chain(self.rest.iter().copied())
    }

    /// From the first word of the first range to the end of the last one.
    #[inline]
    pub fn range(&self) -> Range<u64> {
        let last = self.rest.last().unwrap_or(&self.first);
        self.first.words.range().start..last.words.range().end
    }

    /// Bytes from the first word of the first range to the end of the last one.
    pub(crate) fn span(&self) -> u64 {
        match self.rest {
            [] => 4 * self.first.words.len() as u64,
            _ => {
                let Range { start, end } = self.range();
                end.wrapping_sub(start)
            }
        }
    }

    /// Whether a write has enough bits for each offset.
    pub(crate) fn is_short(&self) -> bool {
        self.span() <= MAX_SPAN
    }

    /// The range that contains the byte at `address`.
    #[cold]
    pub(crate) fn range_of(&self, address: u64) -> Option<&TextRange<'a>> {
        if self.first.words.holds(address) {
            return Some(&self.first);
        }
        self.rest.iter().find(|range| range.words.holds(address))
    }

    /// Whether a range contains the byte at `address`.
    #[inline]
    pub(crate) fn holds(&self, address: u64) -> bool {
        self.first.words.holds(address) || self.range_of(address).is_some()
    }

    /// Whether `count` words at `address` lie in one range. The address must be a
    /// multiple of 4 away from the first word of the range.
    #[inline]
    pub fn contains(&self, address: u64, count: u64) -> bool {
        self.first.words.contains(address, count)
            || self
                .rest
                .iter()
                .any(|range| range.words.contains(address, count))
    }

    /// Address of the first word.
    #[inline(always)]
    pub(crate) fn start(&self) -> u64 {
        self.first.words.range().start
    }

    /// The words, if they are one range that executes at its own address alone.
    #[inline(always)]
    pub(crate) fn only(&self) -> Option<Words<'a>> {
        (self.rest.is_empty() && !self.is_aliased).then_some(self.first.words)
    }

    /// Whether a range also executes at another address.
    #[inline(always)]
    pub(crate) fn is_aliased(&self) -> bool {
        self.is_aliased
    }

    /// The word at `address`; `None` outside.
    #[inline(always)]
    pub fn get(&self, address: u64) -> Option<Insn> {
        match self.first.words.get(address) {
            Some(word) => Some(word),
            None => {
                let word = self.get_in_rest(address)?;
                Some(word)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn get_in_rest(&self, address: u64) -> Option<Insn> {
        self.rest.iter().find_map(|range| range.words.get(address))
    }

    /// `count` words at `address`; `None` if no range holds them.
    #[inline(always)]
    pub(crate) fn part(&self, address: u64, count: u8) -> Option<Words<'a>> {
        match self.first.words.part(address, count) {
            Some(words) => Some(words),
            None => {
                let words = self.part_of_rest(address, count)?;
                Some(words)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn part_of_rest(&self, address: u64, count: u8) -> Option<Words<'a>> {
        let mut rest = self.rest.iter();
        rest.find_map(|range| range.words.part(address, count))
    }

    /// The first word, as mapped now; `None` if not all ranges are mapped as far apart as they
    /// run, so that no offset leads from one to the other.
    pub(crate) fn as_ptr(&self) -> Option<*const u32> {
        let distance = |range: &TextRange<'_>| {
            (range.words.as_ptr() as u64).wrapping_sub(range.words.range().start)
        };
        let first = distance(&self.first);
        self.rest
            .iter()
            .all(|range| distance(range) == first)
            .then_some(self.first.words.as_ptr().cast())
    }
}

/// Ranges that make no text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TextError {
    /// There is no range.
    Empty,
    /// A range does not begin after the one before.
    Order {
        /// Address of the range.
        address: u64,
    },
    /// The ranges span more than 4 GiB.
    TooLong {
        /// Address of the range that ends too far away.
        address: u64,
    },
    /// A range also executes at an address that is not a multiple of 4 KiB away.
    Alias {
        /// Address of the range.
        address: u64,
        /// The other address.
        alias: u64,
    },
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the text has no range"),
            Self::Order { address } => write!(
                f,
                "the text range at {address:#x} does not begin after the previous range: sort the ranges by address"
            ),
            Self::TooLong { address } => write!(
                f,
                "the text range at {address:#x} ends more than 4 GiB after the start of the first range"
            ),
            Self::Alias { address, alias } => write!(
                f,
                "the text range at {address:#x} cannot also execute at {alias:#x}: the distance is not a multiple of 4 KiB"
            ),
        }
    }
}

impl core::error::Error for TextError {}
