//! Why a payload was not loaded.

use core::convert::Infallible;
use core::fmt;

use super::error::OTHER_OPERATION;
#[cfg(doc)]
use super::format::HookKind;
use super::format::Id;
use super::name::{Hex, Name};
use super::payload_error::PayloadError;
use super::relocate::RelocationError;
use crate::insn::{Insn, OutOfReach};
use crate::patch::PatchError;

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

impl<M> From<PayloadError> for LoadError<M> {
    fn from(error: PayloadError) -> Self {
        Self::Payload(error)
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

impl<M: fmt::Debug + fmt::Display> core::error::Error for LoadError<M> {}
