//! The return addresses on a stack.

use core::fmt;

use super::calls::{Stack, StackSearch, Stacks, Who};
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

/// The largest number of stacks that a chain may change between: thread, interrupt, overflow, SDEI stacks of two
/// priorities.
const MAX_CHANGES: u32 = 8;

/// Calls `visit` with each place that `who` is in, from the innermost to the outermost, until it
/// returns a value. Usable for backtraces as well.
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
    let innermost = [
        Place::Pc(frame.pc),
        // Only a function without a frame record returns to it, but which one has none is unknown.
        Place::Return(stacks.return_address(frame.lr)),
    ];
    if let Some(found) = innermost.into_iter().find_map(&mut visit) {
        return Ok(Some(found));
    }
    let found = match stacks.search(who) {
        StackSearch::FrameRecords => by_records(stacks, who, frame, &mut visit)?,
        StackSearch::EveryWord => by_words(stacks, who, frame, &mut visit)?,
        StackSearch::ShadowStack => None,
    };
    if found.is_some() {
        return Ok(found);
    }
    let shadow = stacks.shadow_stack(who);
    let mut words = shadow.iter().flat_map(|stack| stack.words_from(0));
    Ok(words.find_map(|word| visit(Place::Return(stacks.return_address(word)))))
}

/// Follows the chain of frame records. A frame record is two words: the address of the next record,
/// and the return address (AAPCS64, "The Frame Pointer").
fn by_records<S: Stacks + ?Sized, B>(
    stacks: &S,
    who: Who,
    frame: Frame,
    visit: &mut impl FnMut(Place) -> Option<B>,
) -> Result<Option<B>, WalkError> {
    let mut record = frame.fp;
    let mut after = frame.pc;
    // The lowest address of the next record on the same stack: records are older the higher they
    // are, and memory below the stack pointer does not contain a record.
    let mut stack = stacks.stack(who, frame.sp);
    let mut lowest = frame.sp;
    let mut changes = 0;
    while record != 0 {
        let broken = |reason| WalkError {
            who,
            record,
            after,
            reason,
        };
        if !record.is_multiple_of(8) {
            return Err(broken(WalkReason::Misaligned));
        }
        let words = |stack: &Stack<'_>| stack.get(record).zip(stack.get(record.wrapping_add(8)));
        let (next, return_to) = match stack.as_ref().and_then(words) {
            Some(_) if record < lowest => return Err(broken(WalkReason::Backwards)),
            Some(words) => words,
            None => {
                changes += 1;
                if changes > MAX_CHANGES {
                    return Err(broken(WalkReason::TooManyStacks));
                }
                stack = stacks.stack(who, record);
                let words = stack.as_ref().and_then(words);
                words.ok_or(broken(WalkReason::OutsideStack))?
            }
        };
        // The last record: AAPCS64 requires the address 0 of the next one, and kernels often have
        // two zeros.
        if (next, return_to) == (0, 0) {
            break;
        }
        let return_to = stacks.return_address(return_to);
        if let Some(found) = visit(Place::Return(return_to)) {
            return Ok(Some(found));
        }
        if stacks.is_bottom(return_to) {
            break;
        }
        lowest = record.saturating_add(16);
        after = return_to;
        record = next;
    }
    Ok(None)
}

/// Takes each word of the stack for a return address.
fn by_words<S: Stacks + ?Sized, B>(
    stacks: &S,
    who: Who,
    frame: Frame,
    visit: &mut impl FnMut(Place) -> Option<B>,
) -> Result<Option<B>, WalkError> {
    let stack = stacks.stack(who, frame.sp).ok_or(WalkError {
        who,
        record: frame.sp,
        after: frame.pc,
        reason: WalkReason::OutsideStack,
    })?;
    let mut words = stack.words_from(frame.sp);
    Ok(words.find_map(|word| visit(Place::Return(stacks.return_address(word)))))
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
