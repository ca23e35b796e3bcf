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
    /// The table of cpucaps has no such number, or the condition is not plain.
    Unknown,
}

impl State {
    const fn from_bits(bits: u32) -> Self {
        match bits {
            0 => Self::Absent,
            1 => Self::Present,
            2 => Self::Pending,
            _ => Self::Unknown,
        }
    }
}

/// The state of each number there can be.
///
/// An entry is the condition that asks for the cpucap and nothing else, as
/// [`Condition::plain`] has it, and below that the bits of the state: one comparison tells
/// both.
pub(super) struct States([u32; MAX_CAPS]);

/// The state's bits of an entry.
const STATE: u32 = 0b11;

impl States {
    /// No number is known yet.
    pub const fn new() -> Self {
        Self([State::Unknown as u32; MAX_CAPS])
    }

    /// Notes what a decision tells; in place, since this is large.
    pub fn fill(&mut self, decision: Decision<'_>) {
        let sets = decision
            .decided
            .words()
            .iter()
            .zip(decision.present.words());
        let mut rest = decision.table.len();
        for (block, (entries, (decided, present))) in (0..).zip(self.0.chunks_mut(64).zip(sets)) {
            let (mut decided, mut present) = (*decided, *present);
            let numbers = 64 * block..;
            for (entry, number) in entries.iter_mut().take(rest).zip(numbers) {
                let state = match (decided & 1, present & 1) {
                    (0, _) => State::Pending,
                    (_, 0) => State::Absent,
                    _ => State::Present,
                };
                *entry = Condition::from_bits(number).plain() | state as u32;
                (decided, present) = (decided >> 1, present >> 1);
            }
            rest = rest.saturating_sub(64);
        }
    }

    /// The state of the cpucap that a term asks for.
    pub fn of(&self, term: Condition) -> State {
        let entry = self.0.get(usize::from(term.cap()));
        entry.map_or(State::Unknown, |entry| State::from_bits(entry & STATE))
    }

    /// Whether a condition asks for one cpucap, to be present, and that is absent.
    #[inline(always)]
    pub fn is_absent(&self, condition: Condition) -> bool {
        self.entry(condition) == condition.plain()
    }

    /// The state of the cpucap if a condition asks for one, to be present, and for nothing
    /// else; if it does, it is [`State::Unknown`].
    #[inline(always)]
    pub fn of_plain(&self, condition: Condition) -> State {
        let entry = self.entry(condition);
        // Whatever else the condition asks for makes a large difference.
        State::from_bits(entry.wrapping_sub(condition.plain()))
    }

    #[inline(always)]
    fn entry(&self, condition: Condition) -> u32 {
        self.0[usize::from(condition.cap()) % MAX_CAPS]
    }
}
