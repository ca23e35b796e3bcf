//! Walking a table by its records.

use core::{mem, slice};

use crate::patch::site::Record;
use crate::patch::states::{State, States};
use crate::region::Table;

/// What is no site's address, since it is not aligned.
const NOWHERE: u64 = u64::MAX;

/// Bits that are not set in the distance from the end of one site to the next one: those
/// of the alignment, and those of 16 MiB or more, as has whatever begins before that end.
const FAR: u64 = !0xff_fffc;

/// The records of a table, from the next one on.
#[derive(Clone)]
pub(super) struct Records<'a, R> {
    all: &'a [R],
    rest: slice::Iter<'a, R>,
    /// Address of the next record.
    at: u64,
    /// Site of the next record; [`NOWHERE`] if there is none.
    site: u64,
    /// Records so far that are further arms of the site of the record before.
    arms: usize,
}

/// A site of the most usual kind.
pub(super) struct Plain<'a, R> {
    /// Address of the record.
    pub at: u64,
    pub record: &'a R,
    /// Where the site ends.
    pub end: u64,
    /// Whether the record applies.
    pub applies: bool,
}

impl<'a, R: Record> Records<'a, R> {
    pub fn new(table: Table<'a, R>) -> Self {
        let (at, all) = table.into_parts();
        let rest = all.iter();
        let site = all.first().map_or(NOWHERE, |first| first.site(at));
        Self {
            all,
            rest,
            at,
            site,
            arms: 0,
        }
    }

    /// Site of the next record; if there is none, higher than the address of any site.
    #[inline(always)]
    pub fn site(&self) -> u64 {
        self.site
    }

    /// The next record, and its address.
    #[inline]
    pub fn peek(&self) -> Option<(u64, &'a R)> {
        Some((self.at, self.rest.as_slice().first()?))
    }

    /// Goes on to the record after the next one.
    #[inline]
    pub fn advance(&mut self) {
        if self.rest.next().is_some() {
            self.at = self.at.wrapping_add(size_of::<R>() as u64);
            let site = self.peek().map(|(at, record)| record.site(at));
            self.site = site.unwrap_or(NOWHERE);
        }
    }

    /// The record before the next one, and its site.
    pub fn before(&self) -> Option<(u64, &'a R)> {
        let record = self.all[..self.all.len() - self.rest.len()].last()?;
        let at = self.at.wrapping_sub(size_of::<R>() as u64);
        Some((record.site(at), record))
    }

    /// Site of the last record; [`NOWHERE`] if there is none.
    pub fn last_site(&self) -> u64 {
        let before = self.rest.len().saturating_sub(1) * size_of::<R>();
        let last = self.rest.as_slice().last();
        last.map_or(NOWHERE, |last| {
            last.site(self.at.wrapping_add(before as u64))
        })
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

    /// Takes the next record, if nothing about it is out of the ordinary: its site lies
    /// behind `end` and not behind `stop`, its condition is one cpucap of which it is
    /// known, and if that is present, the record is the only one of its site.
    ///
    /// This finds no fault. A record that it does not take has to be looked at closely,
    /// as has a further arm of a site that was taken here, where it did not apply.
    ///
    /// # Safety
    /// `stop` must not be above the site of the last record of the table.
    #[inline(always)]
    pub unsafe fn take_plain(
        &mut self,
        states: &States,
        end: u64,
        stop: u64,
    ) -> Option<Plain<'a, R>> {
        let site = self.site;
        if site >= stop {
            return None;
        }
        // SAFETY: the site of the last record is not below `stop`, and NOWHERE is not
        // either, so there is this record and one after it.
        let (record, next) = unsafe {
            let rest = self.rest.as_slice();
            (rest.get_unchecked(0), rest.get_unchecked(1))
        };
        let state = states.of_plain(record.condition())?;
        let end_of_site = site.wrapping_add(4 * u64::from(record.len()));
        if site.wrapping_sub(end) & FAR != 0 || !record.is_below(end_of_site, stop) {
            return None;
        }
        let next_at = self.at.wrapping_add(size_of::<R>() as u64);
        let next_site = next.site(next_at);
        let applies = match state {
            State::Absent => false,
            State::Present if next_site != site => true,
            _ => return None,
        };
        // SAFETY: as above.
        unsafe { self.rest.next().unwrap_unchecked() };
        let at = mem::replace(&mut self.at, next_at);
        self.site = next_site;
        Some(Plain {
            at,
            record,
            end: end_of_site,
            applies,
        })
    }
}
