//! Walking a table by its records.

use core::slice;

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
    /// The next record and those after it. It never becomes empty: at the end of the
    /// table the last record stays, and for an empty table there is one of no meaning.
    rest: slice::Iter<'a, R>,
    /// What the address at which a record is linked has more than that where it is.
    bias: u64,
    /// Site of the next record; [`NOWHERE`] at the end of the table.
    site: u64,
    is_over: bool,
    /// Records so far that are further arms of the site of the record before.
    arms: usize,
}

/// A site of the most usual kind, which lies in the text, and the record that applies to it.
pub(super) struct Plain<'a, R> {
    pub site: u64,
    pub record: &'a R,
    /// Address of the record.
    pub at: u64,
}

/// What a brief look at a record tells.
pub(super) enum Brief<'a, R> {
    /// The site stays as it is, and has been passed over.
    Passed,
    /// A later pass decides; the site has been passed over.
    Pending,
    /// The record applies, and has been taken.
    Applies(Plain<'a, R>),
    /// A close look is needed.
    Unclear,
}

impl<'a, R: Record> Records<'a, R> {
    pub fn new(table: Table<'a, R>) -> Self {
        let (at, all) = table.into_parts();
        let first = all.first();
        Self {
            all,
            rest: if all.is_empty() { R::NONE } else { all }.iter(),
            bias: at.wrapping_sub(all.as_ptr() as u64),
            site: first.map_or(NOWHERE, |first| first.site(at)),
            is_over: first.is_none(),
            arms: 0,
        }
    }

    /// Address of the next record.
    #[inline(always)]
    fn at(&self) -> u64 {
        (self.rest.as_slice().as_ptr() as u64).wrapping_add(self.bias)
    }

    /// Site of the next record; if there is none, higher than the address of any site.
    #[inline(always)]
    pub fn site(&self) -> u64 {
        self.site
    }

    /// The next record, and its address.
    pub fn peek(&self) -> Option<(u64, &'a R)> {
        let next = self.rest.as_slice().first()?;
        (!self.is_over).then_some((self.at(), next))
    }

    /// Goes on to the record after the next one.
    pub fn advance(&mut self) {
        if let Some(after) = self.rest.as_slice().get(1) {
            self.rest.next();
            self.site = after.site(self.at());
        } else {
            self.site = NOWHERE;
            self.is_over = true;
        }
    }

    /// The record before the next one, and its site.
    pub fn before(&self) -> Option<(u64, &'a R)> {
        let size = size_of::<R>() as u64;
        let (index, at) = match self.is_over {
            true => (self.all.len().checked_sub(1)?, self.at()),
            false => {
                let index = (self.all.len() - self.rest.len()).checked_sub(1)?;
                (index, self.at().wrapping_sub(size))
            }
        };
        let record = self.all.get(index)?;
        Some((record.site(at), record))
    }

    /// Site of the last record; [`NOWHERE`] if there is none.
    pub fn last_site(&self) -> u64 {
        let Some(last) = self.all.last() else {
            return NOWHERE;
        };
        let before = (self.rest.len() - 1) * size_of::<R>();
        last.site(self.at().wrapping_add(before as u64))
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

    /// Looks at the next record, whether all about it is as usual: its site lies behind
    /// `end` and not behind `stop`; its condition is one cpucap of which it is known; if
    /// that is present, no other record is of this site. If so, sets `end` to the end of
    /// the site and goes on.
    ///
    /// This finds no fault, and may meet a further arm of a site that it passed over
    /// before: all that is left to a close look.
    ///
    /// # Safety
    /// `stop` must not be above the site of the last record of the table.
    #[inline(always)]
    pub unsafe fn look(&mut self, states: &States, end: &mut u64, stop: u64) -> Brief<'a, R> {
        let site = self.site;
        // SAFETY: there is always one.
        let record = unsafe { self.rest.as_slice().get_unchecked(0) };
        let end_of_site = site.wrapping_add(4 * u64::from(record.len()));
        // Without short cuts, these become one branch.
        let is_in_place = (site < stop)
            & (site.wrapping_sub(*end) & FAR == 0)
            & record.is_below(end_of_site, stop);
        if !is_in_place {
            return Brief::Unclear;
        }
        let at = self.at();
        if states.is_absent(record.condition()) {
            // SAFETY: the site of the last record is not below `stop`.
            (self.rest, self.site) = unsafe { self.after() };
            *end = end_of_site;
            return Brief::Passed;
        }
        match states.of_plain(record.condition()) {
            State::Present => {
                // SAFETY: as above.
                let (rest, after) = unsafe { self.after() };
                if after == site {
                    return Brief::Unclear;
                }
                (self.rest, self.site) = (rest, after);
                *end = end_of_site;
                Brief::Applies(Plain { site, record, at })
            }
            State::Pending => {
                // SAFETY: as above.
                let (rest, after) = unsafe { self.after() };
                if after == site {
                    return Brief::Unclear;
                }
                (self.rest, self.site) = (rest, after);
                *end = end_of_site;
                Brief::Pending
            }
            State::Absent | State::Unknown => Brief::Unclear,
        }
    }

    /// The record after the next one and those behind it, and its site.
    ///
    /// # Safety
    /// There must be one.
    #[inline(always)]
    unsafe fn after(&self) -> (slice::Iter<'a, R>, u64) {
        let mut rest = self.rest.clone();
        // SAFETY: the caller's promise; the next record is always there.
        let after = unsafe {
            rest.next().unwrap_unchecked();
            rest.as_slice().get_unchecked(0)
        };
        let at = (rest.as_slice().as_ptr() as u64).wrapping_add(self.bias);
        (rest, after.site(at))
    }
}
