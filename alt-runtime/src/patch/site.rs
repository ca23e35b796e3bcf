//! The records of a table, each with its site.

use core::slice;

use crate::record::Record;
use crate::region::Table;

/// Above the address of every site, and misaligned, so that no text contains it.
const NO_SITE: u64 = u64::MAX;

/// A record and the site that it names. Consecutive records of one site are its arms.
#[derive(Clone, Copy)]
pub(super) struct Arm<'a, R> {
    pub record: &'a R,
    /// Address of the record.
    pub at: u64,
    /// Address of the site.
    pub site: u64,
    /// The next record has the same site.
    pub is_followed: bool,
}

/// Iterates over the records of a table.
pub(super) struct Arms<'a, R> {
    /// The records to come.
    records: slice::Iter<'a, R>,
    /// Distance from the place of a record in memory to its address.
    shift: u64,
    /// Address of the site of the next record.
    next: u64,
}

impl<'a, R: Record> Arms<'a, R> {
    pub fn new(table: Table<'a, R>) -> Self {
        let (address, records) = table.into_parts();
        let mut arms = Self {
            records: records.iter(),
            shift: address.wrapping_sub(records.as_ptr().addr() as u64),
            next: NO_SITE,
        };
        arms.next = arms.site_of_first();
        arms
    }

    /// Address of the next site; [`NO_SITE`] at the end of the table.
    #[inline(always)]
    pub fn next_site(&self) -> u64 {
        self.next
    }

    #[inline(always)]
    fn site_of_first(&self) -> u64 {
        let first = self.records.as_slice().first();
        first.map_or(NO_SITE, |first| first.site_address(self.address_of(first)))
    }

    #[inline(always)]
    fn address_of(&self, record: &R) -> u64 {
        ((&raw const *record).addr() as u64).wrapping_add(self.shift)
    }
}

impl<'a, R: Record> Iterator for Arms<'a, R> {
    type Item = Arm<'a, R>;

    #[inline(always)]
    fn next(&mut self) -> Option<Arm<'a, R>> {
        let record = self.records.next()?;
        let site = self.next;
        self.next = self.site_of_first();
        Some(Arm {
            record,
            at: self.address_of(record),
            site,
            is_followed: self.next == site,
        })
    }
}

/// Whether a record is not the first one of its site.
#[cold]
#[inline(never)]
pub(super) fn is_further<R: Record>(table: &Table<'_, R>, at: u64, site: u64) -> bool {
    let before = at.wrapping_sub(size_of::<R>() as u64);
    let record = table.at(before);
    record.is_some_and(|record| record.site_address(before) == site)
}
