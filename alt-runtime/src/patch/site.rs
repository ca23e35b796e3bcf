//! From records to sites: the arms of one site together, and the one that wins.

use crate::cap::CapTable;
use crate::patch::error::{PlanError, Reason};
use crate::patch::records::Records;
use crate::patch::states::{State, States};
use crate::record::{AlternativeRecord, BranchRecord, Condition};

/// What both kinds of record have.
pub(super) trait Record: Sized + 'static {
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
    /// All cpucaps that the arms ask for are decided; if not, a later pass has the
    /// site.
    pub is_decided: bool,
    /// The record that wins, and its address; `None` leaves the default.
    pub chosen: Option<(u64, &'a R)>,
}

/// An error about the record of a site.
#[cold]
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

impl<'a, R: Record> Records<'a, R> {
    /// The next site, with all its arms; `seen` is told each cpucap that they ask for.
    #[inline]
    pub fn next_site(
        &mut self,
        table: &CapTable,
        states: &States,
        mut seen: impl FnMut(u16),
    ) -> Result<Option<Site<'a, R>>, PlanError> {
        // The first record of the conjunction at hand, and whether that holds so far.
        let Some(mut arm) = self.peek() else {
            return Ok(None);
        };
        let mut holds = true;
        let (address, first) = (self.site(), arm.1);
        let mut site = Site {
            address,
            is_decided: true,
            chosen: None,
        };
        let mut record = first;
        loop {
            let term = record.condition();
            let state = states.of(term);
            let refuse = |reason| error(table, address, term, reason);
            if state == State::Unknown {
                return Err(refuse(Reason::UnknownCap));
            }
            if record.len() != first.len() {
                return Err(refuse(Reason::LengthsDiffer {
                    first: first.len(),
                    other: record.len(),
                }));
            }
            seen(term.cap());
            site.is_decided &= state != State::Pending;
            holds &= (state == State::Present) != term.is_negated();
            self.advance();
            let next = if self.site() == address {
                self.count_arm();
                self.peek()
            } else {
                None
            };
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
