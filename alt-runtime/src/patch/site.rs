//! From records to sites: the arms of one site together, and the one that wins.

use crate::cap::{CapSet, CapTable};
use crate::patch::error::{PlanError, Reason};
use crate::record::{AlternativeRecord, BranchRecord, Condition};
use crate::region::Table;

/// What both kinds of record have.
pub(super) trait Record {
    /// Address of the site, of a record at `at`.
    fn site(&self, at: u64) -> u64;
    fn condition(&self) -> Condition;
    /// Length of the site in instructions.
    fn len(&self) -> u8;
}

impl Record for BranchRecord {
    #[inline]
    fn site(&self, at: u64) -> u64 {
        at.wrapping_add_signed(self.site.into())
    }
    #[inline]
    fn condition(&self) -> Condition {
        self.condition
    }
    #[inline]
    fn len(&self) -> u8 {
        1
    }
}

impl Record for AlternativeRecord {
    #[inline]
    fn site(&self, at: u64) -> u64 {
        at.wrapping_add_signed(self.site.into())
    }
    #[inline]
    fn condition(&self) -> Condition {
        self.condition
    }
    #[inline]
    fn len(&self) -> u8 {
        self.site_len
    }
}

/// One site and the arm that applies to it.
pub(super) struct Site<'a, R> {
    pub address: u64,
    /// The first record of the site, for what all arms share.
    pub first: &'a R,
    /// The record that wins, and its address; `None` leaves the default.
    pub chosen: Option<(u64, &'a R)>,
}

impl<R: Record> Site<'_, R> {
    /// An error about this site, blamed on the arm that wins or the first one.
    pub fn error(&self, table: &CapTable, reason: Reason) -> PlanError {
        let record = self.chosen.map_or(self.first, |(_, record)| record);
        error(table, self.address, record.condition(), reason)
    }
}

fn error(table: &CapTable, site: u64, condition: Condition, reason: Reason) -> PlanError {
    let cap = condition.cap();
    let name = table.get(cap).map_or("unknown", |info| info.name);
    PlanError {
        site,
        cap,
        name,
        reason,
    }
}

/// Walks a table site by site.
pub(super) struct Sites<'a, R: 'a, I: Iterator<Item = (u64, &'a R)>> {
    records: core::iter::Peekable<I>,
    caps: &'a CapSet,
    table: &'a CapTable,
}

/// The sites of `records`, with the arms that win under `caps`.
pub(super) fn sites<'a, R: Record + 'a>(
    records: Table<'a, R>,
    table: &'a CapTable,
    caps: &'a CapSet,
) -> Sites<'a, R, impl Iterator<Item = (u64, &'a R)>> {
    Sites {
        records: records.iter().peekable(),
        caps,
        table,
    }
}

impl<'a, R: Record + 'a, I: Iterator<Item = (u64, &'a R)>> Sites<'a, R, I> {
    /// The next record, if it is of the site at `address`.
    fn next_of(&mut self, address: u64) -> Option<(u64, &'a R)> {
        self.records
            .next_if(|(at, record)| record.site(*at) == address)
    }

    /// Whether the conjunction that begins with `first` holds. Each term goes
    /// to `seen`.
    fn holds(
        &mut self,
        address: u64,
        first: &'a R,
        seen: &mut impl FnMut(u16),
    ) -> Result<bool, PlanError> {
        let mut record = first;
        let mut holds = true;
        loop {
            let term = record.condition();
            if usize::from(term.cap()) >= self.table.len() {
                return Err(error(self.table, address, term, Reason::UnknownCap));
            }
            seen(term.cap());
            holds &= self.caps.contains_number(term.cap()) != term.is_negated();
            if record.len() != first.len() {
                let reason = Reason::LengthsDiffer {
                    first: first.len(),
                    other: record.len(),
                };
                return Err(error(self.table, address, term, reason));
            }
            if !term.and_next() {
                return Ok(holds);
            }
            record = self
                .next_of(address)
                .ok_or_else(|| error(self.table, address, term, Reason::DanglingAnd))?
                .1;
        }
    }

    /// The next site; `seen` is told each cpucap that its arms ask for.
    pub fn next_site(
        &mut self,
        mut seen: impl FnMut(u16),
    ) -> Result<Option<Site<'a, R>>, PlanError> {
        let Some((at, first)) = self.records.next() else {
            return Ok(None);
        };
        let mut site = Site {
            address: first.site(at),
            first,
            chosen: None,
        };
        let mut arm = Some((at, first));
        while let Some((at, record)) = arm {
            if record.len() != first.len() {
                let reason = Reason::LengthsDiffer {
                    first: first.len(),
                    other: record.len(),
                };
                return Err(error(self.table, site.address, record.condition(), reason));
            }
            if self.holds(site.address, record, &mut seen)? && site.chosen.is_none() {
                site.chosen = Some((at, record));
            }
            arm = self.next_of(site.address);
        }
        Ok(Some(site))
    }
}
