//! The reader of a finished table.

use core::slice;

use super::bucket::Bucket;
use super::format::{BucketHeader, Header, MAGIC, VERSION};
use super::{Digest, TableError};
use crate::record::{AlternativeRecord, BranchRecord, Record};
use crate::region::{Region, Table};

/// A finished table whose header and directory are as the tool wrote them.
#[derive(Clone, Copy, Debug)]
pub struct FinishedTable<'a> {
    address: u64,
    words: &'a [u32],
    header: Header,
    directory: &'a [[u32; BucketHeader::LEN]],
    terms: &'a [u32],
}

impl<'a> FinishedTable<'a> {
    /// The finished table of `region`; `None` if its tables are raw.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn of(region: &Region<'a>) -> Option<Result<Self, TableError>> {
        let found = find(region.alternatives).or_else(|| find(region.branches));
        found.map(|(address, words)| Self::new(address, words))
    }

    /// The table that begins with the first of `words`, which is linked at `address`. It may be
    /// shorter than `words`.
    ///
    /// Checks the header, the directory, and that the parts of the table fit together.
    ///
    /// # Errors
    /// The words are not a finished table, or a damaged one.
    // Out of line, so that its stack is free again when the plan is made.
    #[inline(never)]
    pub fn new(address: u64, words: &'a [u32]) -> Result<Self, TableError> {
        let truncated = |needed| TableError::Truncated {
            needed,
            found: words.len(),
        };
        let first = words.first_chunk::<{ Header::LEN }>();
        let first = first.ok_or(truncated(Header::LEN))?;
        let [a, f, t, version] = first[0].to_le_bytes();
        if [a, f, t, VERSION] != MAGIC.to_le_bytes() {
            return Err(TableError::Header);
        }
        if version != VERSION {
            return Err(TableError::Version { found: version });
        }
        let header = Header::from_words(first);
        let len = header.len as usize;
        let words = words.get(..len).ok_or(truncated(len))?;
        let (before, _) = first.split_at(Header::DIGEST);
        let directory = words.get(Header::LEN..header.tables as usize);
        let directory = directory.ok_or(TableError::Layout)?;
        if Digest::EMPTY.with_all(before).with_all(directory) != header.digest {
            return Err(TableError::Header);
        }
        let entries = BucketHeader::LEN.checked_mul(header.buckets as usize);
        let parts = entries.and_then(|entries| directory.split_at_checked(entries));
        let (directory, terms) = parts.ok_or(TableError::Layout)?;
        let table = Self {
            address,
            words,
            header,
            directory: directory.as_chunks().0,
            terms,
        };
        match table.is_whole() {
            true => Ok(table),
            false => Err(TableError::Layout),
        }
    }

    /// Whether the buckets' tables fill the space between the terms and the dictionary, and their terms the
    /// one after the directory.
    fn is_whole(&self) -> bool {
        let (mut end, mut terms) = (u64::from(self.header.tables), 0);
        for entry in self.directory {
            let entry = BucketHeader::from_words(entry);
            if entry.terms == 0 {
                return false;
            }
            end += u64::from(entry.len);
            terms += entry.more();
        }
        let dictionary = self.header.dictionary;
        terms == self.terms.len() && end == dictionary.into() && dictionary <= self.header.len
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Where the table is linked.
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// The lowest address of a site.
    pub const fn base(&self) -> u64 {
        self.address
            .wrapping_add(4 * Header::BASE as u64)
            .wrapping_add_signed(self.header.base as i64)
    }

    /// The buckets, in the order of the directory.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket<'a>> + use<'a> {
        let (address, words) = (self.address, self.words);
        let (mut at, mut terms) = (self.header.tables as usize, self.terms);
        (0..).zip(self.directory).map_while(move |(index, entry)| {
            let BucketHeader { len, .. } = BucketHeader::from_words(entry);
            let (own, rest) = match BucketHeader::from_words(entry).more() {
                0 => (&[][..], terms),
                more => terms.split_at_checked(more)?,
            };
            let end = at.checked_add(len as usize)?;
            let table = words.get(at..end)?;
            let linked = address.wrapping_add(4 * at as u64);
            (terms, at) = (rest, end);
            Some(Bucket::new(index, entry, own, linked, table))
        })
    }

    /// The [sites](Bucket::sites) of all buckets, some more than once. The buckets' tables are not checked.
    pub fn sites(&self) -> impl Iterator<Item = (u64, u8)> + use<'a> {
        let base = self.base();
        self.buckets().flat_map(move |bucket| bucket.sites(base))
    }

    /// The words of replacements. They are not checked.
    pub fn dictionary(&self) -> &'a [u32] {
        let start = self.header.dictionary as usize;
        self.words.get(start..).unwrap_or_default()
    }

    /// The words of replacements, which are as the tool wrote them.
    ///
    /// # Errors
    /// They are not.
    pub fn checked_dictionary(&self) -> Result<&'a [u32], TableError> {
        let words = self.dictionary();
        match Digest::EMPTY.with_all(words) == self.header.dictionary_digest {
            true => Ok(words),
            false => Err(TableError::Dictionary),
        }
    }
}

/// A record that is read as words.
///
/// # Safety
/// The type must consist of initialised bytes, be aligned to 4, and have a size that is a multiple
/// of 4.
unsafe trait OfWords: Record {}

// SAFETY: `repr(C)`, of an `i32` and two fields of 16 bits: 8 bytes without padding.
unsafe impl OfWords for BranchRecord {}
// SAFETY: `repr(C)`, of two `i32`, one field of 16 bits and two of 8: 12 bytes without padding.
unsafe impl OfWords for AlternativeRecord {}

/// The words of a section and their address, if it begins with [`MAGIC`] of any version.
fn find<R: OfWords>(table: Table<'_, R>) -> Option<(u64, &[u32])> {
    let (address, records) = table.into_parts();
    let len = size_of_val(records) / 4;
    // SAFETY: the memory is that of the records, borrowed for as long, and any four bytes of it are
    // a `u32`, by the promise of `OfWords`.
    let words = unsafe { slice::from_raw_parts(records.as_ptr().cast::<u32>(), len) };
    let is_finished = words.first()? << 8 == MAGIC << 8;
    is_finished.then_some((address, words))
}
