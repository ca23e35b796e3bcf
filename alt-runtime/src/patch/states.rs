//! What a pass knows of each cpucap, for one look-up per record.

use crate::cap::MAX_CAPS;
use crate::patch::decision::Decision;
use crate::record::Condition;

/// What a pass knows of a cpucap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// It is absent.
    Absent,
    /// It is present.
    Present,
    /// A later pass decides.
    Pending,
    /// The table of cpucaps has no such number.
    Unknown,
}

/// The state of each number there can be.
pub(super) struct States([State; MAX_CAPS]);

impl States {
    pub fn new(decision: Decision<'_>) -> Self {
        let mut states = [State::Unknown; MAX_CAPS];
        for (number, state) in (0..).zip(&mut states).take(decision.table.len()) {
            *state = if !decision.decided.contains_number(number) {
                State::Pending
            } else if decision.present.contains_number(number) {
                State::Present
            } else {
                State::Absent
            };
        }
        Self(states)
    }

    /// The state of the cpucap that a term asks for.
    #[inline]
    pub fn of(&self, term: Condition) -> State {
        let state = self.0.get(usize::from(term.cap()));
        state.copied().unwrap_or(State::Unknown)
    }

    /// The state of the cpucap if a condition asks for nothing else: one cpucap, to be
    /// present.
    #[inline(always)]
    pub fn of_plain(&self, condition: Condition) -> Option<State> {
        self.0.get(condition.plain_cap()).copied()
    }
}
