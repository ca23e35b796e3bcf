//! Why a payload was not applied, reverted or unloaded.

use core::fmt;

use super::calls::Who;
use super::format::{HookKind, Id};
use super::name::{Hex, Name};
use super::store::State;
use super::walk::WalkError;
use crate::insn::Insn;
use crate::patch::PatchError;
use crate::rendezvous::StopError;

/// A function that cannot be replaced or restored now, since a call of it is in progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BusyFunction {
    /// Its name; that of the payload, if it is not a function of the table.
    pub function: Name,
    /// Whose call it is.
    pub who: Who,
    /// The address in the function at which the call is: where it continues.
    pub at: u64,
    /// The address to which the function returns; 0 if it is not known.
    pub caller: u64,
}

/// Why a payload was not applied, reverted or unloaded. Text and state are as before; hooks that
/// precede the failure have run.
///
/// `A` is [`Kernel::AliasError`](super::Kernel::AliasError).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ActionError<A> {
    /// Another operation is in progress.
    Busy,
    /// No payload with this id is loaded.
    Unknown,
    /// The payload is not in the state that the action needs.
    WrongState {
        /// The state that it is in.
        found: State,
    },
    /// The payload is for another order: its parent is not the one that was applied last (or the
    /// image, if none is applied, or all are to be replaced).
    WrongParent {
        /// The parent that it states.
        expected: Id,
        /// The payload that was applied last, or the image.
        found: Id,
    },
    /// Another payload has been applied after this one, and is to be reverted first.
    NotLast {
        /// The one that was applied last.
        last: Id,
    },
    /// The payload has been applied before, and its writable data is not fresh: unload it, and load
    /// it again.
    Used,
    /// A hook has refused.
    Refused {
        /// The payload.
        payload: Id,
        /// Which one.
        hook: HookKind,
        /// Its result.
        code: u32,
    },
    /// The other CPUs could not be stopped.
    Stop(StopError),
    /// The place of a branch does not hold a word that it may hold.
    Word {
        /// The function's name.
        function: Name,
        /// Address of the word.
        address: u64,
        /// The word there.
        found: Insn,
        /// The word, or the first of the words, that it may hold.
        expected: Insn,
    },
    /// An expectation of the payload is not met.
    Expectation {
        /// Its index.
        index: u32,
        /// Address of the word.
        address: u64,
        /// The word there; in a replacement, the word that will be there.
        found: Insn,
        /// The word that should be there.
        expected: Insn,
    },
    /// A call of a function is in progress.
    Calls(BusyFunction),
    /// The calls in progress cannot be found.
    Stack(WalkError),
    /// The text could not be patched; the old words are back.
    Patch(PatchError<A>),
    /// Another CPU looks an address up in the payload.
    InUse,
}

impl<A> From<StopError> for ActionError<A> {
    fn from(error: StopError) -> Self {
        Self::Stop(error)
    }
}

impl<A> From<PatchError<A>> for ActionError<A> {
    fn from(error: PatchError<A>) -> Self {
        Self::Patch(error)
    }
}

impl<A> From<WalkError> for ActionError<A> {
    fn from(error: WalkError) -> Self {
        Self::Stack(error)
    }
}

/// That there is one operation at a time.
pub(super) const OTHER_OPERATION: &str = "another operation on payloads is in progress";

impl fmt::Display for BusyFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            function,
            who,
            at,
            caller,
        } = self;
        write!(f, "{function} is busy: {who} executes it at {at:#x}")?;
        match caller {
            0 => Ok(()),
            caller => write!(f, ", called from {caller:#x}"),
        }
    }
}

impl<A: fmt::Display> fmt::Display for ActionError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str(OTHER_OPERATION),
            Self::Unknown => f.write_str("no such payload is loaded"),
            Self::WrongState { found } => write!(f, "the payload is {found}"),
            Self::WrongParent { expected, found } => write!(
                f,
                "the payload builds on {}, but {} was applied last",
                Hex(expected),
                Hex(found)
            ),
            Self::NotLast { last } => write!(
                f,
                "{} was applied later and must be reverted first",
                Hex(last)
            ),
            Self::Used => {
                f.write_str("the payload's data has been used: unload it and load it again")
            }
            Self::Refused {
                payload,
                hook,
                code,
            } => write!(
                f,
                "the hook {hook:?} of the payload {} refuses: {code}",
                Hex(payload)
            ),
            Self::Stop(error) => error.fmt(f),
            Self::Word {
                function,
                address,
                found,
                expected,
            } => write!(
                f,
                "{function}: {address:#x} holds {found}, expected {expected}"
            ),
            Self::Expectation {
                index,
                address,
                found,
                expected,
            } => write!(
                f,
                "expectation {index}: {address:#x} holds {found}, expected {expected}"
            ),
            Self::Calls(error) => error.fmt(f),
            Self::Stack(error) => error.fmt(f),
            Self::Patch(error) => error.fmt(f),
            Self::InUse => f.write_str("a CPU looks an address up in the payload: try again"),
        }
    }
}

impl<A: fmt::Debug + fmt::Display> core::error::Error for ActionError<A> {}
impl core::error::Error for BusyFunction {}
