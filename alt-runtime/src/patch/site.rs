//! From records to sites: the arms of one site together, and the one that wins.

use crate::cap::CapTable;
use crate::patch::decision::Decision;
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
        self.site_address(at)
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
        self.site_address(at)
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
    /// All cpucaps that the arms ask for are decided; if not, a later pass has the
    /// site.
    pub is_decided: bool,
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

/// An error about the record of a site.
pub(super) fn error(
    table: &CapTable,
    site: u64,
    condition: Condition,
    reason: Reason,
) -> PlanError {
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
    decision: Decision<'a>,
}

/// The sites of `records`, with the arms that win under `decision`.
pub(super) fn sites<'a, R: Record + 'a>(
    records: Table<'a, R>,
    decision: Decision<'a>,
) -> Sites<'a, R, impl Iterator<Item = (u64, &'a R)>> {
    Sites {
        records: records.iter().peekable(),
        decision,
    }
}

impl<'a, R: Record + 'a, I: Iterator<Item = (u64, &'a R)>> Sites<'a, R, I> {
    /// The next record, if it is of the site at `address`.
    fn next_of(&mut self, address: u64) -> Option<(u64, &'a R)> {
        self.records
            .next_if(|(at, record)| record.site(*at) == address)
    }

    /// The next site; `seen` is told each cpucap that its arms ask for.
    pub fn next_site(
        &mut self,
        mut seen: impl FnMut(u16),
    ) -> Result<Option<Site<'a, R>>, PlanError> {
        let Decision {
            table,
            present,
            decided,
        } = self.decision;
        // The first record of the conjunction at hand, and whether that holds so far.
        let Some(mut arm) = self.records.next() else {
            return Ok(None);
        };
        let mut holds = true;
        let (address, first) = (arm.1.site(arm.0), arm.1);
        let mut site = Site {
            address,
            first,
            is_decided: true,
            chosen: None,
        };
        let mut record = first;
        loop {
            let term = record.condition();
            let refuse = |reason| error(table, address, term, reason);
            if usize::from(term.cap()) >= table.len() {
                return Err(refuse(Reason::UnknownCap));
            }
            if record.len() != first.len() {
                return Err(refuse(Reason::LengthsDiffer {
                    first: first.len(),
                    other: record.len(),
                }));
            }
            seen(term.cap());
            site.is_decided &= decided.contains_number(term.cap());
            holds &= present.contains_number(term.cap()) != term.is_negated();
            let next = self.next_of(address);
            if term.and_next() {
                record = next.ok_or_else(|| refuse(Reason::DanglingAnd))?.1;
                continue;
            }
            if holds && site.chosen.is_none() {
                site.chosen = Some(arm);
            }
            let Some(next) = next else { break };
            (arm, record, holds) = (next, next.1, true);
        }
        if !site.is_decided {
            site.chosen = None;
        }
        Ok(Some(site))
    }
}
