//! The layout of a finished table. **This file states it**; increase the version in [`MAGIC`] with each change.
//!
//! A table is a sequence of 32-bit words, little-endian, at a multiple of 4. All offsets and lengths
//! count words, unless stated otherwise.
//!
//! ```text
//! header       13 words          Header
//! directory    for each bucket: 8 words                    BucketHeader
//! terms        for each bucket: its terms after the first   Term
//! tables       for each bucket, in the same order: runs    RunHeader, then steps
//! dictionary   words of replacements, re-aimed for their sites
//! ```
//!
//! - *Place.* The table begins where the section `alt_records` or `alt_branches` begins (or where
//!   `__alt_bounds` says that it does). [`MAGIC`] is not a multiple of 4, as the offset that a raw
//!   table begins with always is, so the first word distinguishes the two. If one of the two
//!   sections has a finished table, nothing reads the other one; a writer fills it with zeros.
//! - *Addresses.* [`Header::base`] is the distance from its own field to the lowest site, so the
//!   table needs no relocation. Sites are counted in words from there.
//! - *Conditions.* A bucket has a conjunction of [`Term`]s. The tool makes the conditions of a
//!   site's arms disjoint, so at most one of their buckets holds. A term with
//!   [`is_either`](Term::is_either) names a cpucap that another arm of the same sites tests. The sites
//!   wait for a later pass until this cpucap is decided, as on the raw path.
//! - *Runs.* A bucket's table consists of runs: sites of one [`Kind`] and one length, in
//!   address order. Each site has a step, with 16 bits for the distance from the site before; a site that is
//!   farther away begins another run.
//! - *Digests.* The header has a digest of itself, the directory and the terms, and one of the dictionary; the
//!   directory has two for each bucket: of its table, and of the words at its sites as they were
//!   linked, in the order of the runs.

use super::Digest;

/// The first word of a finished table: `aFT` and the version.
pub const MAGIC: u32 = crate::record::FINISHED;

/// The version of the layout, the last byte of [`MAGIC`].
pub const VERSION: u8 = (MAGIC >> 24) as u8;

/// The largest number of sites of a run, and the largest distance between two of them.
pub const MAX_RUN: usize = u16::MAX as usize;

/// The beginning of a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Length of the table.
    pub len: u32,
    /// The lowest address of a site, in bytes from this field (word 2 of the table).
    pub base: i32,
    /// Number of sites of `cpu_has_cap!`.
    pub branches: u32,
    /// Number of other sites.
    pub alternatives: u32,
    /// Number of instructions of all sites, which is the room that a plan needs.
    pub words: u32,
    /// Number of buckets.
    pub buckets: u32,
    /// Where the first bucket's table is; the terms end there.
    pub tables: u32,
    /// Where the dictionary is, which ends with the table.
    pub dictionary: u32,
    /// Digest of the dictionary.
    pub dictionary_digest: Digest,
    /// Digest of the words of the header before this field, of the directory and of the terms.
    pub digest: Digest,
}

impl Header {
    /// Words of a header.
    pub const LEN: usize = 13;
    /// The field [`base`](Self::base).
    pub const BASE: usize = 2;
    /// The field [`digest`](Self::digest), the last one.
    pub const DIGEST: usize = 11;

    /// The words in the table.
    pub const fn to_words(&self) -> [u32; Self::LEN] {
        let [dictionary_low, dictionary_high] = self.dictionary_digest.to_words();
        let [low, high] = self.digest.to_words();
        [
            MAGIC,
            self.len,
            self.base as u32,
            self.branches,
            self.alternatives,
            self.words,
            self.buckets,
            self.tables,
            self.dictionary,
            dictionary_low,
            dictionary_high,
            low,
            high,
        ]
    }

    /// The header with these words; the first one, the magic number, is not checked.
    pub const fn from_words(words: &[u32; Self::LEN]) -> Self {
        let [
            _,
            len,
            base,
            branches,
            alternatives,
            instructions,
            buckets,
            tables,
            dictionary,
            dictionary_low,
            dictionary_high,
            low,
            high,
        ] = *words;
        Self {
            len,
            base: base as i32,
            branches,
            alternatives,
            words: instructions,
            buckets,
            tables,
            dictionary,
            dictionary_digest: Digest::from_words([dictionary_low, dictionary_high]),
            digest: Digest::from_words([low, high]),
        }
    }
}

/// An entry of the directory. Its first term is in its last word, the others are in the words after the
/// directory, two in a word. A half of a word that is left is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BucketHeader {
    /// Length of the bucket's table.
    pub len: u32,
    /// Number of its sites.
    pub sites: u32,
    /// Number of its sites that are in no bucket before: the sites that wait if the bucket does.
    pub first: u32,
    /// Digest of its table.
    pub digest: Digest,
    /// Digest of the instructions at its sites, as they were linked.
    pub text: Digest,
    /// Number of its terms, 1 or more.
    pub terms: u16,
    /// The first term. It names the first cpucap of the arm.
    pub term: Term,
}

impl BucketHeader {
    /// Words of an entry.
    pub const LEN: usize = 8;

    /// The words in the directory.
    pub const fn to_words(&self) -> [u32; Self::LEN] {
        let [low, high] = self.digest.to_words();
        let [text_low, text_high] = self.text.to_words();
        let terms = self.terms as u32 | (self.term.0 as u32) << 16;
        [
            self.len, self.sites, self.first, low, high, text_low, text_high, terms,
        ]
    }

    /// The entry with these words.
    pub const fn from_words(words: &[u32; Self::LEN]) -> Self {
        let [len, sites, first, low, high, text_low, text_high, terms] = *words;
        Self {
            len,
            sites,
            first,
            digest: Digest::from_words([low, high]),
            text: Digest::from_words([text_low, text_high]),
            terms: terms as u16,
            term: Term((terms >> 16) as u16),
        }
    }

    /// Words of the terms after the first one.
    pub const fn more(&self) -> usize {
        // Of `terms - 1`, rounded up.
        self.terms as usize / 2
    }
}

/// One term of the condition of a bucket.
///
/// | bits  | meaning |
/// |-------|---------|
/// | 0–12  | number of the cpucap |
/// | 14    | NOT: the term holds when the cpucap is absent |
/// | 15    | EITHER: the term holds in both cases, but only once the cpucap is decided |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Term(pub u16);

impl Term {
    /// The bits of the cpucap's number.
    pub const CAP: u16 = 0x1fff;
    /// The term holds when the cpucap is absent.
    pub const NOT: u16 = 1 << 14;
    /// The term holds whether or not the cpucap is present.
    pub const EITHER: u16 = 1 << 15;

    /// Number of the cpucap.
    #[inline]
    pub const fn cap(self) -> u16 {
        self.0 & Self::CAP
    }

    /// The term holds when the cpucap is absent.
    #[inline]
    pub const fn is_negated(self) -> bool {
        self.0 & Self::NOT != 0
    }

    /// The term holds in both cases.
    #[inline]
    pub const fn is_either(self) -> bool {
        self.0 & Self::EITHER != 0
    }
}

/// The change of the sites of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Sites of one instruction that become [`RunHeader::value`]. A step is a distance: two in a
    /// word, the low half first. A half that is left is 0.
    Set = 1,
    /// Sites of one instruction, which the exclusive OR with [`RunHeader::value`] changes. Steps as
    /// for `Set`.
    Xor = 2,
    /// Sites of one instruction that become a B. A step is a word: a distance, and in the high half
    /// the signed displacement of the B in instructions.
    Branch = 3,
    /// Sites of [`RunHeader::len`] instructions that become words of the dictionary, and NOPs after those. A
    /// step is a word: a distance, and in the high half the index of the first word, to which a base is added.
    /// [`RunHeader::arm`] has the base and the number of words.
    Copy = 4,
    /// Sites of [`RunHeader::len`] instructions that a callback computes, whose address is
    /// [`RunHeader::value`] in bytes from that field (word 1 of the run), signed. Steps as for `Set`.
    Callback = 5,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Set,
        Self::Xor,
        Self::Branch,
        Self::Copy,
        Self::Callback,
    ];

    /// A step is a word, not half of one.
    pub const fn has_payload(self) -> bool {
        matches!(self, Self::Branch | Self::Copy)
    }

    /// Words of the steps of `sites` sites.
    pub const fn words(self, sites: usize) -> usize {
        if self.has_payload() {
            sites
        } else {
            sites.div_ceil(2)
        }
    }
}

/// The beginning of a run: three words. The words of its steps follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunHeader {
    /// The kind, one of [`Kind`].
    pub kind: u8,
    /// Length of each site in instructions, 1 or more.
    pub len: u8,
    /// Number of sites, 1 or more.
    pub sites: u16,
    /// The meaning depends on the kind.
    pub value: u32,
    /// Where the first step begins, from the lowest site on.
    pub start: u32,
}

impl RunHeader {
    /// Words of a header.
    pub const LEN: usize = 3;
    /// The field [`value`](Self::value).
    pub const VALUE: usize = 1;

    /// Of [`Kind::Copy`]: the base of the indices, in the low 24 bits of [`value`](Self::value), and the number
    /// of words of the dictionary that a site receives, in the high 8 bits.
    pub const fn arm(&self) -> (usize, usize) {
        (
            (self.value & Self::MAX_BASE) as usize,
            (self.value >> 24) as usize,
        )
    }

    /// The highest base of indices.
    pub const MAX_BASE: u32 = (1 << 24) - 1;

    /// Number of instructions of all sites.
    pub const fn words(&self) -> usize {
        self.sites as usize * self.len as usize
    }

    /// The words in the table.
    pub const fn to_words(&self) -> [u32; Self::LEN] {
        let first = self.kind as u32 | (self.len as u32) << 8 | (self.sites as u32) << 16;
        [first, self.value, self.start]
    }

    /// The header with these words.
    pub const fn from_words(&[first, value, start]: &[u32; Self::LEN]) -> Self {
        Self {
            kind: first as u8,
            len: (first >> 8) as u8,
            sites: (first >> 16) as u16,
            value,
            start,
        }
    }
}
