//! Walking a table by its records.

use crate::patch::site::Record;
use crate::region::Table;

/// What is no site's address, since it is not aligned, and above all of them.
pub(super) const NOWHERE: u64 = u64::MAX;

/// The records of a table, from the next one on.
#[derive(Clone, Copy)]
pub(super) struct Records<'a, R> {
    all: &'a [R],
    /// Address at which the table is linked.
    address: u64,
    /// Index of the next record; at the end of the table that of none.
    next: usize,
    /// Records so far that are further arms of the site of the record before.
    arms: usize,
}

impl<'a, R: Record> Records<'a, R> {
    pub fn new(table: Table<'a, R>) -> Self {
        let (address, all) = table.into_parts();
        Self {
            all,
            address,
            next: 0,
            arms: 0,
        }
    }

    /// From the place of a record in memory to where it is linked.
    pub fn shift(&self) -> u64 {
        self.address.wrapping_sub(self.all.as_ptr() as u64)
    }

    /// The records from the next one on.
    pub fn rest(&self) -> &'a [R] {
        self.all.get(self.next..).unwrap_or_default()
    }

    /// Goes on behind the next `count` records.
    pub fn skip(&mut self, count: usize) {
        self.next += count;
    }

    /// Goes back to the record before.
    pub fn back(&mut self) {
        self.next = self.next.saturating_sub(1);
    }

    fn get(&self, index: usize) -> Option<(u64, &'a R)> {
        let at = self.address.wrapping_add((index * size_of::<R>()) as u64);
        Some((at, self.all.get(index)?))
    }

    /// The next record, and its address.
    pub fn peek(&self) -> Option<(u64, &'a R)> {
        self.get(self.next)
    }

    /// Site of the next record; [`NOWHERE`] if there is none.
    pub fn site(&self) -> u64 {
        self.peek().map_or(NOWHERE, |(at, next)| next.site(at))
    }

    /// Goes on to the record after the next one.
    pub fn advance(&mut self) {
        self.next += 1;
    }

    /// The record before the next one, and its site.
    pub fn before(&self) -> Option<(u64, &'a R)> {
        let (at, record) = self.get(self.next.checked_sub(1)?)?;
        Some((record.site(at), record))
    }

    /// Site of the record behind the next `count`, or of the last one; [`NOWHERE`] if none is
    /// left.
    pub fn site_after(&self, count: usize) -> u64 {
        let rest = self.rest().len();
        let index = self.next + count.min(rest.saturating_sub(1));
        self.get(index)
            .map_or(NOWHERE, |(at, record)| record.site(at))
    }

    /// Notes that a record is a further arm of the site of the record before.
    #[inline]
    pub fn count_arm(&mut self) {
        self.arms += 1;
    }

    /// Number of sites, once all further arms have been counted.
    pub fn sites(&self) -> u32 {
        u32::try_from(self.all.len() - self.arms).unwrap_or(u32::MAX)
    }
}
