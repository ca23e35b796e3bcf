//! Why an operation on a payload was refused or undone.

use core::convert::Infallible;
use core::fmt;

use super::calls::Who;
use super::format::{HookKind, Id};
use super::payload_error::PayloadError;
use super::relocate::RelocationError;
use super::store::State;
use super::walk::WalkError;
use crate::insn::{Insn, OutOfReach};
use crate::patch::PatchError;
use crate::rendezvous::StopError;

/// The end of a name, for messages: what was loaded may be gone when the message is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; Self::MAX],
    len: u8,
    is_cut: bool,
}

impl Name {
    /// Bytes that are kept.
    const MAX: usize = 58;

    /// The last bytes of `name`: in a path, they say most.
    pub(super) fn new(name: &str) -> Self {
        let mut start = name.len().saturating_sub(Self::MAX);
        while !name.is_char_boundary(start) {
            start += 1;
        }
        let kept = name.as_bytes().get(start..).unwrap_or_default();
        let mut bytes = [0; Self::MAX];
        for (to, from) in bytes.iter_mut().zip(kept) {
            *to = *from;
        }
        Self {
            bytes,
            len: kept.len() as u8,
            is_cut: start != 0,
        }
    }

    /// The text that is kept.
    pub fn as_str(&self) -> &str {
        let kept = self.bytes.get(..self.len.into()).unwrap_or_default();
        core::str::from_utf8(kept).unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dots = if self.is_cut { "…" } else { "" };
        write!(f, "{dots}{}", self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Name {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

/// A function that cannot be replaced or restored now, since a call of it is in progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BusyFunction {
    /// Its name; that of the payload, if it is no function of the table.
    pub function: Name,
    /// Whose call it is.
    pub who: Who,
    /// The address in the function at which the call is: where it continues.
    pub at: u64,
    /// The address to which the function returns; 0 if it is not known.
    pub caller: u64,
}

/// Why a payload was not loaded. Nothing of it has been kept.
///
/// `M` is [`PayloadMemory::MemoryError`](super::PayloadMemory::MemoryError).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LoadError<M> {
    /// Another operation is in progress.
    Busy,
    /// The file is not a payload.
    Payload(PayloadError),
    /// The payload is for another image.
    OtherImage {
        /// The id of the image that it is for.
        expected: Id,
        /// The id of the running image.
        found: Id,
    },
    /// The payload is loaded already.
    AlreadyLoaded,
    /// There are as many payloads as there is room for.
    Full {
        /// Their number.
        capacity: usize,
    },
    /// An old function is not inside the image's text.
    FunctionOutsideText {
        /// Its name.
        function: Name,
        /// Its address.
        address: u64,
    },
    /// An expectation names a place that is not in the image's text.
    ExpectationOutsideText {
        /// Its index.
        index: u32,
        /// The address.
        address: u64,
    },
    /// Old and new function do not begin with the same landing pad although the payload states that
    /// it stays; or the old one has a landing pad that the branch would overwrite.
    LandingPad {
        /// The function's name.
        function: Name,
        /// The first word of the old function.
        old: Insn,
        /// The first word of the new one.
        new: Insn,
    },
    /// There is no memory, or its access could not be changed.
    Memory(M),
    /// The memory does not begin at a multiple of [`Layout::ALIGN`](super::Layout::ALIGN), or its
    /// pointer is not a multiple of 16.
    MisalignedMemory {
        /// Where it begins.
        address: u64,
    },
    /// A new function is out of the range of the branch from the old one.
    OutOfReach {
        /// The function's name.
        function: Name,
        /// The distance.
        error: OutOfReach,
    },
    /// A relocation cannot be applied.
    Relocation {
        /// Its index.
        index: u32,
        /// Its place, from the payload's base.
        place: u32,
        /// Why not.
        error: RelocationError,
    },
    /// The sites of the payload cannot be patched.
    Sites(PatchError<Infallible>),
    /// The hook [`HookKind::Load`] has refused.
    Refused {
        /// Its result.
        code: u32,
    },
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

impl<M> From<PayloadError> for LoadError<M> {
    fn from(error: PayloadError) -> Self {
        Self::Payload(error)
    }
}

const OTHER_OPERATION: &str = "another operation on payloads is in progress";

/// An id in hexadecimal digits.
struct Hex<'a>(&'a Id);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

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

impl<M: fmt::Display> fmt::Display for LoadError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str(OTHER_OPERATION),
            Self::Payload(error) => error.fmt(f),
            Self::OtherImage { expected, found } => write!(
                f,
                "the payload is for the image {}, this one is {}",
                Hex(expected),
                Hex(found)
            ),
            Self::AlreadyLoaded => f.write_str("the payload is loaded already"),
            Self::Full { capacity } => {
                write!(f, "there is room for {capacity} payloads: unload one first")
            }
            Self::FunctionOutsideText { function, address } => write!(
                f,
                "{function}: the old function at {address:#x} is not inside the text of the image"
            ),
            Self::ExpectationOutsideText { index, address } => write!(
                f,
                "expectation {index}: {address:#x} is not inside the text of the image"
            ),
            Self::LandingPad { function, old, new } => write!(
                f,
                "{function}: the old function begins with {old}, the new one with {new}: not the same landing pad"
            ),
            Self::Memory(error) => write!(f, "memory for the payload: {error}"),
            Self::MisalignedMemory { address } => write!(
                f,
                "the memory for the payload at {address:#x} is not aligned: its address to 64 KiB, its pointer to 16"
            ),
            Self::OutOfReach { function, error } => write!(f, "{function}: {error}"),
            Self::Relocation {
                index,
                place,
                error,
            } => write!(f, "relocation {index} at {place:#x}: {error}"),
            Self::Sites(error) => write!(f, "the payload's sites: {error}"),
            Self::Refused { code } => write!(f, "the payload's load hook refuses: {code}"),
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

impl<M: fmt::Debug + fmt::Display> core::error::Error for LoadError<M> {}
impl<A: fmt::Debug + fmt::Display> core::error::Error for ActionError<A> {}
impl core::error::Error for BusyFunction {}
