//! The error of all phases.

use core::{error, fmt};

use crate::cap::DetectError;
use crate::patch::PatchError;
use crate::rendezvous::StopError;

/// Why the last pass was not done. The errors of all phases convert to this type, so that one
/// function can use `?` for each of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FinaliseError<A> {
    /// The system has cpucaps that exclude each other.
    Detect(DetectError),
    /// The other CPUs could not be stopped.
    Stop(StopError),
    /// The text could not be patched.
    Patch(PatchError<A>),
}

impl<A> From<DetectError> for FinaliseError<A> {
    fn from(error: DetectError) -> Self {
        Self::Detect(error)
    }
}

impl<A> From<StopError> for FinaliseError<A> {
    fn from(error: StopError) -> Self {
        Self::Stop(error)
    }
}

impl<A> From<PatchError<A>> for FinaliseError<A> {
    fn from(error: PatchError<A>) -> Self {
        Self::Patch(error)
    }
}

impl<A: fmt::Display> fmt::Display for FinaliseError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Detect(error) => error.fmt(f),
            Self::Stop(error) => error.fmt(f),
            Self::Patch(error) => error.fmt(f),
        }
    }
}

impl<A: fmt::Debug + fmt::Display> error::Error for FinaliseError<A> {}
