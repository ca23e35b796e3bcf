//! What a pass knows of each cpucap, for one look-up per record.

use crate::cap::MAX_CAPS;
use crate::patch::decision::Decision;
use crate::patch::shape::Shape;
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
    const fn from_bits(bits: u64) -> Self {
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
/// [`Condition::plain`] has it, below that the bits of the state, and above it the
/// [shape](Shape) of most alternatives: one comparison tells all three.
pub(super) struct States {
    entries: [u64; MAX_CAPS],
    has_present: bool,
}

/// The state's bits of an entry.
const STATE: u64 = 0b11;

const _: () = {
    assert!(State::Absent as u32 == 0);
    assert!(State::Present as u32 == 1 << 0);
    assert!(State::Pending as u32 == 1 << 1);
};

impl States {
    /// No number is known yet.
    pub const fn new() -> Self {
        Self {
            entries: [State::Unknown as u64; MAX_CAPS],
            has_present: false,
        }
    }

    /// Notes what a decision tells; in place, since this is large.
    pub fn fill(&mut self, decision: Decision<'_>) {
        let sets = decision
            .decided
            .words()
            .iter()
            .zip(decision.present.words());
        let mut rest = decision.table.len();
        for (block, (entries, (decided, present))) in
            (0..).zip(self.entries.chunks_mut(64).zip(sets))
        {
            // The bits of a state: that of `Present`, and that of `Pending`.
            let (mut present, mut pending) = (decided & present, !decided);
            self.has_present |= present != 0;
            let mut entry_of =
                Shape::ONE_WORD.plain() | u64::from(Condition::from_bits(64 * block).plain());
            for entry in entries.iter_mut().take(rest) {
                *entry = entry_of | present & 1 | (pending & 1) << 1;
                (present, pending) = (present >> 1, pending >> 1);
                entry_of += u64::from(Condition::from_bits(1).plain());
            }
            rest = rest.saturating_sub(64);
        }
    }

    /// Whether any cpucap is present.
    pub fn has_present(&self) -> bool {
        self.has_present
    }

    /// The state of the cpucap that a term asks for.
    pub fn of(&self, term: Condition) -> State {
        let entry = self.entries.get(usize::from(term.cap()));
        entry.map_or(State::Unknown, |entry| State::from_bits(entry & STATE))
    }

    /// What is known of the cpucap that a condition asks for.
    #[inline(always)]
    pub fn known(&self, condition: Condition) -> Known {
        let entry = self.entries[usize::from(condition.cap()) % MAX_CAPS];
        // Whatever else the condition asks for makes a large difference.
        Known((entry as u32).wrapping_sub(condition.plain()))
    }

    /// What is known of the cpucap that an alternative asks for, if its site and its
    /// replacement are one word.
    #[inline(always)]
    pub fn known_of_word(&self, shape: Shape) -> KnownOfWord {
        let entry = self.entries[usize::from(shape.condition().cap()) % MAX_CAPS];
        KnownOfWord(entry.wrapping_sub(shape.plain()))
    }
}

/// What is known of a cpucap that a condition asks for, to be present, and for nothing else.
/// If it asks for more, it is none of these.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Known(pub u32);

impl Known {
    /// [`State::Absent`].
    pub const ABSENT: Self = Self(State::Absent as u32);
    /// [`State::Present`].
    pub const PRESENT: Self = Self(State::Present as u32);
    /// [`State::Pending`].
    pub const PENDING: Self = Self(State::Pending as u32);
}

/// The same of an alternative of one word. If it is of another shape, it is none of these.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct KnownOfWord(pub u64);

impl KnownOfWord {
    /// [`State::Absent`].
    pub const ABSENT: Self = Self(State::Absent as u64);
    /// [`State::Present`].
    pub const PRESENT: Self = Self(State::Present as u64);

    /// What is known of the cpucap, whatever the shape.
    #[inline(always)]
    pub const fn of_cap(self) -> Known {
        Known(self.0 as u32)
    }
}
