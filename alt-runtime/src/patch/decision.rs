//! The states of the cpucaps in a pass, and the arm that it selects for a site.

use core::ptr;

use crate::cap::{CapSet, CapTable, MAX_CAPS};
use crate::patch::error::{PlanError, Reason};
use crate::record::{Condition, Record};
use crate::region::Table;

/// The cpucaps of a pass.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The table that assigns the numbers.
    pub table: &'a CapTable,
    /// The cpucaps that are present.
    pub present: &'a CapSet,
    /// The cpucaps that are known to be present or absent. A site whose arms test another one is
    /// left to a later pass.
    pub decided: &'a CapSet,
}

impl Decision<'_> {
    /// The error about a record with the condition `term`, of the site at `site`.
    #[cold]
    pub(super) fn refuse(&self, site: u64, term: Condition, reason: Reason) -> PlanError {
        PlanError {
            site,
            cap: term.cap(),
            name: self.table.name(term.cap()).unwrap_or("unknown"),
            reason,
        }
    }
}

/// The state of one cpucap in a pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Present,
    /// A later pass decides.
    Pending,
    /// The table of cpucaps has no such number.
    Unknown,
}

/// The state of every cpucap by number, for one look-up per record.
pub(super) struct States([State; MAX_CAPS]);

/// The outcome for a site.
pub(super) enum Choice<'a, R> {
    /// An arm tests a cpucap that is not decided: a later pass patches the site.
    Pending,
    /// No condition holds: the site stays as it is.
    Default,
    /// The arm that begins with this record.
    Arm(&'a R),
}

impl<R> Choice<'_, R> {
    /// Whether the arm that begins with `record` wins.
    #[inline(always)]
    pub fn is_arm(&self, record: &R) -> bool {
        matches!(self, Self::Arm(winner) if ptr::eq(*winner, record))
    }
}

/// What is wrong with a term of a condition.
#[derive(Clone, Copy)]
pub(super) enum TermError {
    UnknownCap,
    LengthsDiffer { first: u8, other: u8 },
    DanglingAnd,
}

impl From<TermError> for Reason {
    #[cold]
    fn from(error: TermError) -> Self {
        match error {
            TermError::UnknownCap => Self::UnknownCap,
            TermError::LengthsDiffer { first, other } => Self::LengthsDiffer { first, other },
            TermError::DanglingAnd => Self::DanglingAnd,
        }
    }
}

impl States {
    /// No cpucap is known.
    pub const NONE: Self = Self([State::Unknown; MAX_CAPS]);

    /// Sets the states of the cpucaps of a table, in place: the compiler copies what is returned.
    #[inline(always)]
    pub fn fill(&mut self, decision: &Decision<'_>) {
        let known = self.0.get_mut(..decision.table.len()).unwrap_or(&mut []);
        let words = decision
            .decided
            .words()
            .iter()
            .zip(decision.present.words());
        for (states, (&decided, &present)) in known.chunks_mut(64).zip(words) {
            let (mut decided, mut present) = (decided, present);
            for state in states {
                *state = match (decided & 1 != 0, present & 1 != 0) {
                    (false, _) => State::Pending,
                    (true, true) => State::Present,
                    (true, false) => State::Absent,
                };
                (decided, present) = (decided >> 1, present >> 1);
            }
        }
    }

    #[inline(always)]
    fn of(&self, term: Condition) -> State {
        let state = self.0.get(usize::from(term.cap()));
        state.copied().unwrap_or(State::Unknown)
    }

    /// Evaluates the condition of the only arm of a site: whether it wins, or `None` if a later
    /// pass decides.
    ///
    /// # Errors
    /// The cpucap is unknown, or the term has an AND.
    #[inline(always)]
    pub fn choose(&self, term: Condition) -> Result<Option<bool>, TermError> {
        if let Some(number) = term.single_cap() {
            match self.0[usize::from(number)] {
                State::Absent => return Ok(Some(term.is_negated())),
                State::Present => return Ok(Some(!term.is_negated())),
                State::Pending => return Ok(None),
                State::Unknown => {}
            }
        }
        Err(self.term_error(term))
    }

    /// Why the condition of the only arm of a site cannot be evaluated.
    #[cold]
    fn term_error(&self, term: Condition) -> TermError {
        match self.of(term) {
            State::Unknown => TermError::UnknownCap,
            _ => TermError::DanglingAnd,
        }
    }

    /// Evaluates the conditions of the site at `site`, whose records begin at `at` in `table`.
    /// The first arm whose condition holds wins.
    ///
    /// # Errors
    /// The first record with an unknown cpucap, another length than the first record, or an AND
    /// without a next term.
    #[cold]
    pub fn choose_among<'a, R: Record>(
        &self,
        table: &Table<'a, R>,
        at: u64,
        site: u64,
    ) -> Result<Choice<'a, R>, (Condition, TermError)> {
        let (mut winner, mut is_pending) = (None, false);
        // The first record of the current conjunction, and whether its terms hold so far.
        let (mut arm, mut holds) = (None, true);
        let (mut first, mut last) = (None, None);
        let records = (at..).step_by(size_of::<R>());
        let records = records.map_while(|at| Some((at, table.at(at)?)));
        for (_, record) in records.take_while(|(at, record)| record.site_address(*at) == site) {
            let (term, len) = (record.condition(), record.site_len());
            let state = self.of(term);
            if state == State::Unknown {
                return Err((term, TermError::UnknownCap));
            }
            let first = *first.get_or_insert(len);
            if len != first {
                return Err((term, TermError::LengthsDiffer { first, other: len }));
            }
            is_pending |= state == State::Pending;
            holds &= (state == State::Present) != term.is_negated();
            let begin = *arm.get_or_insert(record);
            if !term.and_next() {
                if holds {
                    winner.get_or_insert(begin);
                }
                (arm, holds) = (None, true);
            }
            last = Some(term);
        }
        match (last, winner) {
            (Some(term), _) if term.and_next() => Err((term, TermError::DanglingAnd)),
            _ if is_pending => Ok(Choice::Pending),
            (_, Some(winner)) => Ok(Choice::Arm(winner)),
            (_, None) => Ok(Choice::Default),
        }
    }
}
