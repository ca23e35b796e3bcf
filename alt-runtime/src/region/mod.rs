//! One image's text and tables, as the patcher sees them.
//!
//! A [`Region`] states where text and tables are; nothing is derived from section names. The
//! addresses are those at which the text *runs*, which may differ from where it is mapped now: a
//! host tool builds a region over a file.

mod text;

use core::marker::PhantomData;
use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::callback::Callback;
use crate::insn::Insn;
use crate::record::{AlternativeRecord, BranchRecord, FINISHED};

pub use text::{Text, TextError, TextRange};

/// A run of instruction words at an address.
///
/// Each word is read by itself, as a relaxed atomic, and never borrowed as a `u32`: the patcher
/// changes the same memory through another mapping.
///
/// Memory that is borrowed as `&[u32]` cannot be text, since it must not change:
///
/// ```compile_fail,E0308
/// use alt_runtime::region::Words;
///
/// let text = [0xd503_201f_u32];
/// let words = Words::new(0x1000, &text);
/// ```
///
/// ```
/// use core::sync::atomic::AtomicU32;
/// use alt_runtime::insn::Insn;
/// use alt_runtime::region::Words;
///
/// let text = [const { AtomicU32::new(0xd503_201f) }];
/// let words = Words::new(0x1000, &text);
/// assert_eq!(words.get(0x1000), Some(Insn::NOP));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    address: u64,
    start: *const AtomicU32,
    len: usize,
    memory: PhantomData<&'a [AtomicU32]>,
}

impl<'a> Words<'a> {
    /// The words of `memory`, which run at `address`. None of them, if the address is not a multiple of
    /// 4, where no instruction can be.
    pub const fn new(address: u64, memory: &'a [AtomicU32]) -> Self {
        // SAFETY: the memory is borrowed for `'a`, and may change.
        unsafe { Self::from_raw(address, memory.as_ptr().cast(), memory.len()) }
    }

    /// `len` words at `start`, which run at `address`: see [`new`](Self::new).
    ///
    /// # Safety
    /// The words must be mapped readable for `'a`, and `start` aligned to 4 and not derived from a
    /// `&u32`. They may change meanwhile, but only by whole aligned words.
    pub const unsafe fn from_raw(address: u64, start: *const u32, len: usize) -> Self {
        Self {
            address,
            start: start.cast(),
            len: if address.is_multiple_of(4) { len } else { 0 },
            memory: PhantomData,
        }
    }

    /// Number of words.
    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The addresses of the words.
    #[inline]
    pub const fn range(&self) -> Range<u64> {
        self.address..self.address.wrapping_add(4 * self.len as u64)
    }

    /// Whether the words contain the byte at `address`. The words may end at the top of the
    /// address space.
    #[inline]
    pub(crate) const fn holds(&self, address: u64) -> bool {
        address.wrapping_sub(self.address) < 4 * self.len as u64
    }

    /// Whether `count` words at `address` lie inside. The address must be a
    /// multiple of 4 away from the first word.
    #[inline]
    pub const fn contains(&self, address: u64, count: u64) -> bool {
        let offset = address.wrapping_sub(self.address);
        offset.is_multiple_of(4)
            && offset / 4 <= self.len as u64
            && count <= self.len as u64 - offset / 4
    }

    /// The word at `address`; `None` outside.
    #[inline]
    pub fn get(&self, address: u64) -> Option<Insn> {
        self.word(self.index(address)?)
    }

    /// The index of the word at `address`; `None` outside.
    #[inline(always)]
    pub(crate) const fn index(&self, address: u64) -> Option<usize> {
        // Rotated, an offset that is no multiple of 4 is higher than any index.
        let index = address.wrapping_sub(self.address).rotate_right(2);
        if index < self.len as u64 {
            Some(index as usize)
        } else {
            None
        }
    }

    /// The word with this index; `None` after the last one.
    #[inline(always)]
    pub(crate) fn word(&self, index: usize) -> Option<Insn> {
        if index >= self.len {
            return None;
        }
        // SAFETY: there are `len` words from `start` on, and `index` is less than `len`.
        Some(unsafe { read(self.start.add(index)) })
    }

    /// `count` words at `address`; `None` if they are not inside.
    #[inline]
    pub(crate) const fn part(&self, address: u64, count: u8) -> Option<Words<'a>> {
        // Rotated, an offset that is no multiple of 4 is higher than any index.
        self.part_at(address.wrapping_sub(self.address).rotate_right(2), count)
    }

    /// `count` words from the one with this index on; `None` if they are not inside.
    #[inline(always)]
    pub(crate) const fn part_at(&self, index: u64, count: u8) -> Option<Words<'a>> {
        let (count, len) = (count as u64, self.len as u64);
        if count > len || index > len - count {
            return None;
        }
        Some(Words {
            address: self.address.wrapping_add(4 * index),
            // SAFETY: the words are inside, by the check above.
            start: unsafe { self.start.add(index as usize) },
            len: count as usize,
            memory: PhantomData,
        })
    }

    /// The words, each read when its turn comes.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Insn> + use<'a> {
        let start = self.start;
        // SAFETY: there are `len` words from `start` on, and `index` is less than `len`.
        (0..self.len).map(move |index| unsafe { read(start.add(index)) })
    }

    /// The first word, as mapped now.
    pub(crate) const fn as_ptr(&self) -> *const AtomicU32 {
        self.start
    }
}

/// Reads one word by one LDR, although another CPU may write it.
///
/// # Safety
/// `word` must be one of [`Words`], whose constructors make it readable, and changed only as a
/// whole.
#[inline(always)]
pub(crate) unsafe fn read(word: *const AtomicU32) -> Insn {
    // SAFETY: the word is readable and aligned, and all other accesses to it are atomic.
    let word = unsafe { &*word }.load(Ordering::Relaxed);
    // Instructions are little-endian whatever the data endianness (Arm ARM B2.9.1).
    Insn(u32::from_le(word))
}

/// A table and the address it is linked at.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a, R> {
    address: u64,
    records: &'a [R],
}

impl<'a, R> Table<'a, R> {
    /// `records`, linked at `address`.
    pub const fn new(address: u64, records: &'a [R]) -> Self {
        Self { address, records }
    }

    /// The address and the records.
    #[inline]
    pub(crate) const fn into_parts(self) -> (u64, &'a [R]) {
        (self.address, self.records)
    }

    /// The records, and the address of each.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (u64, &'a R)> + use<'a, R> {
        let address = self.address;
        let size = size_of::<R>() as u64;
        self.records
            .iter()
            .zip(0u64..)
            .map(move |(record, i)| (address.wrapping_add(i * size), record))
    }

    /// The record at this address, if one begins there.
    pub fn at(&self, address: u64) -> Option<&'a R> {
        let offset = address.wrapping_sub(self.address);
        let size = size_of::<R>() as u64;
        let index = usize::try_from(offset / size).ok()?;
        self.records
            .get(index)
            .filter(|_| offset.is_multiple_of(size))
    }

    /// Number of records whose `key(record, address)` is below `bound`. The table must be sorted by
    /// `key`.
    fn count_below(&self, bound: u64, key: impl Fn(&R, u64) -> u64) -> usize {
        let (mut low, mut high) = (0, self.records.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let is_below = self
                .records
                .get(middle)
                .is_some_and(|record| key(record, self.address_of(middle)) < bound);
            if is_below {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    const fn address_of(&self, index: usize) -> u64 {
        self.address.wrapping_add((index * size_of::<R>()) as u64)
    }

    /// The last record whose `key(record, address)` is below `bound`. The table must be sorted by
    /// `key`.
    pub(crate) fn last_below(
        &self,
        bound: u64,
        key: impl Fn(&R, u64) -> u64,
    ) -> Option<(u64, &'a R)> {
        let last = self.count_below(bound, key).checked_sub(1)?;
        Some((self.address_of(last), self.records.get(last)?))
    }

    /// The records whose `key(record, address)` is in `range`. The table must be sorted by `key`.
    fn within(&self, range: &Range<u64>, key: impl Fn(&R, u64) -> u64) -> Self {
        let start = self.count_below(range.start, &key);
        let end = self.count_below(range.end, key);
        Self {
            address: self.address_of(start),
            records: self.records.get(start..end).unwrap_or_default(),
        }
    }

    /// Number of records.
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are no records.
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

/// One image: its text, its tables and its replacements.
#[derive(Clone, Copy, Debug)]
pub struct Region<'a> {
    /// The executable words; every site must lie inside one of the ranges.
    pub text: Text<'a>,
    /// The `alt_branches` table, sorted by site address.
    pub branches: Table<'a, BranchRecord>,
    /// The `alt_records` table, sorted by site address.
    pub alternatives: Table<'a, AlternativeRecord>,
    /// The `alt_replacements` section. Every replacement is there, or in the text
    /// away from every site.
    pub replacements: Words<'a>,
    /// The `alt_callbacks` section: the only functions that a site may name. For a
    /// module it is that of the kernel; empty where none may be called, as on a host.
    pub callbacks: Table<'a, Callback>,
}

impl<'a> Region<'a> {
    /// Whether one of the tables begins with a finished table instead of a record.
    pub fn is_finished(&self) -> bool {
        let branch = self.branches.records.first().map(|record| record.site);
        let alternative = self.alternatives.records.first().map(|record| record.site);
        // All versions: the last byte of the magic number is the version.
        let is_magic = |first: i32| (first as u32) << 8 == FINISHED << 8;
        branch.is_some_and(is_magic) || alternative.is_some_and(is_magic)
    }

    /// The region with only the records of sites that begin in `sites`: of a part of the text, such as
    /// the code for another exception level. Without sites if the region has a
    /// [finished table](crate::finished), which cannot be divided.
    pub fn within(&self, sites: Range<u64>) -> Region<'a> {
        if self.is_finished() {
            return Region {
                branches: Table::new(0, &[]),
                alternatives: Table::new(0, &[]),
                ..*self
            };
        }
        Region {
            branches: self
                .branches
                .within(&sites, |record, at| record.site_address(at)),
            alternatives: self
                .alternatives
                .within(&sites, |record, at| record.site_address(at)),
            ..*self
        }
    }
}
