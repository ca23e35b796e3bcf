//! One bucket: sites that change under one condition.

use core::iter;

use super::format::{BucketHeader, Term};
use super::run::Run;
use super::{Digest, TableError};

/// Sites that change under one condition.
#[derive(Clone, Copy, Debug)]
pub struct Bucket<'a> {
    index: u32,
    /// Its entry of the directory, read where it is needed: the pass only evaluates the terms of most buckets.
    entry: &'a [u32; BucketHeader::LEN],
    /// The terms after the first one, two in a word.
    terms: &'a [u32],
    /// Where the table is linked.
    address: u64,
    table: &'a [u32],
}

impl<'a> Bucket<'a> {
    pub(super) const fn new(
        index: u32,
        entry: &'a [u32; BucketHeader::LEN],
        terms: &'a [u32],
        address: u64,
        table: &'a [u32],
    ) -> Self {
        Self {
            index,
            entry,
            terms,
            address,
            table,
        }
    }

    /// The number of the bucket, from 0.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Its entry of the directory.
    #[inline(always)]
    pub const fn entry(&self) -> BucketHeader {
        BucketHeader::from_words(self.entry)
    }

    /// The terms of its condition: all must hold. The first one names the first cpucap of the arm.
    #[inline(always)]
    pub fn terms(&self) -> impl Iterator<Item = Term> + use<'a> {
        iter::once(self.entry().term).chain(self.further_terms())
    }

    /// The terms after the first one.
    #[inline(always)]
    pub fn further_terms(&self) -> impl Iterator<Item = Term> + use<'a> {
        let words = self.terms;
        (1..usize::from(self.entry().terms)).map_while(move |index| {
            let half = index - 1;
            let word = words.get(half / 2)?;
            Some(Term((word >> (16 * (half % 2))) as u16))
        })
    }

    /// The addresses of its sites and their lengths in instructions, until a run cannot be read: those of a
    /// run in address order. `base` is the address of the lowest site of the table.
    pub fn sites(&self, base: u64) -> impl Iterator<Item = (u64, u8)> + use<'a> {
        let runs = self.runs().map_while(Result::ok);
        runs.flat_map(move |run| {
            let len = run.header().len;
            run.steps()
                .map(move |step| (base.wrapping_add(4 * step.offset), len))
        })
    }

    /// The words of its table.
    pub const fn table(&self) -> &'a [u32] {
        self.table
    }

    /// Checks that its table is as the tool wrote it.
    ///
    /// # Errors
    /// It is not.
    #[inline]
    pub fn check(&self) -> Result<(), TableError> {
        match Digest::EMPTY.with_all(self.table) == self.entry().digest {
            true => Ok(()),
            false => Err(TableError::Bucket),
        }
    }

    /// The run that begins with this word of its table; `None` if it cannot be read.
    #[inline(always)]
    pub(crate) fn run_at(&self, at: usize) -> Option<Run<'a>> {
        let linked = self.address.wrapping_add(4 * at as u64);
        Run::first_of(linked, self.table.get(at..)?)
    }

    /// The runs of its table, until one cannot be read.
    pub fn runs(&self) -> impl Iterator<Item = Result<Run<'a>, TableError>> + use<'a> {
        let bucket = *self;
        let mut at = 0;
        iter::from_fn(move || {
            if at >= bucket.table.len() {
                return None;
            }
            let run = bucket.run_at(at).ok_or(TableError::Run { at });
            at = match &run {
                Ok(run) => at + run.len(),
                Err(_) => bucket.table.len(),
            };
            Some(run)
        })
    }
}
