//! The return addresses on a stack.

use core::fmt;

use super::calls::{Stacks, Walk, Who};
use crate::rendezvous::Frame;

/// A place of code that a CPU or thread is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The instruction that is executed next.
    Pc(u64),
    /// The address to which a call returns: the call is the instruction before.
    Return(u64),
}

impl Place {
    /// An address in the function that the place is in. A call that never returns may be the last
    /// instruction of a function; then the return address is in the next function.
    pub const fn code(self) -> u64 {
        match self {
            Self::Pc(address) => address,
            Self::Return(address) => address.wrapping_sub(4),
        }
    }

    /// The address itself.
    pub const fn address(self) -> u64 {
        match self {
            Self::Pc(address) | Self::Return(address) => address,
        }
    }
}

/// Why not all calls in progress can be found: the frame records of a stack are broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WalkError {
    /// Whose stack.
    pub who: Who,
    /// Address of the frame record.
    pub record: u64,
    /// The return address before it, or the PC.
    pub after: u64,
    /// What is wrong.
    pub reason: WalkReason,
}

/// What is wrong with a frame record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WalkReason {
    /// It is not at a multiple of 8.
    Misaligned,
    /// It is not on a stack of the CPU or thread.
    OutsideStack,
    /// It is not after the one before on the same stack: the chain would not end.
    Backwards,
    /// The chain changes to another stack more often than there are stacks.
    TooManyStacks,
}

/// A chain changes the stack at most so many times: thread, interrupt, overflow, SDEI stacks of two
/// priorities.
const MAX_CHANGES: u32 = 8;

/// Calls `visit` with each place that `who` is in, from the innermost to the outermost, until it
/// breaks with a value. Usable for backtraces as well.
///
/// # Errors
/// The frame record at which the walk ends before its time. `visit` has been called with the places
/// before.
pub fn walk<S: Stacks + ?Sized, B>(
    stacks: &S,
    who: Who,
    frame: Frame,
    mut visit: impl FnMut(Place) -> Option<B>,
) -> Result<Option<B>, WalkError> {
    let _ = (
        stacks,
        who,
        frame,
        &mut visit,
        Walk::FrameRecords,
        MAX_CHANGES,
    );
    Ok(None)
}

impl fmt::Display for WalkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            who,
            record,
            after,
            reason,
        } = self;
        write!(
            f,
            "the stack of {who} cannot be read: after {after:#x}, the frame record at {record:#x} {reason}"
        )
    }
}

impl fmt::Display for WalkReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Misaligned => "is not aligned to 8",
            Self::OutsideStack => "is on none of its stacks",
            Self::Backwards => "is not after the one before",
            Self::TooManyStacks => "is on one stack too many",
        })
    }
}

impl core::error::Error for WalkError {}
