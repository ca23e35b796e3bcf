//! Whether a function that is to be replaced or restored is on a stack.

use super::calls::{StackSearch, Stacks, StoppedCpus, Who};
use super::error::BusyFunction;
use super::name::Name;
use super::walk::{Place, WalkError, walk};
use crate::rendezvous::Frame;

/// Searches the calls in progress on all CPUs, and of all threads, for code that `is_busy` names.
/// `None` if there is no such call.
pub(super) fn find<S: Stacks>(
    stacks: &S,
    stopped: &S::Stopped,
    is_busy: impl Fn(u64) -> Option<Name>,
) -> Result<Option<BusyFunction>, WalkError> {
    let (cpu, frame) = stacks.this_cpu();
    let cpus = stopped.frames().chain([(cpu, frame)]);
    for (cpu, frame) in cpus {
        let found = search(stacks, Who::Cpu(cpu), frame, &is_busy)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let mut result = Ok(None);
    stacks.sleeping(&mut |thread, frame| {
        if result == Ok(None) {
            result = search(stacks, Who::Thread(thread), frame, &is_busy);
        }
    });
    result
}

/// Searches the calls of one CPU or thread.
fn search<S: Stacks>(
    stacks: &S,
    who: Who,
    frame: Frame,
    is_busy: impl Fn(u64) -> Option<Name>,
) -> Result<Option<BusyFunction>, WalkError> {
    let mut found: Option<BusyFunction> = None;
    let walked = walk(stacks, who, frame, |place: Place| {
        if let Some(busy) = &mut found {
            busy.caller = place.address();
            return Some(());
        }
        found = is_busy(place.code()).map(|function| BusyFunction {
            function,
            who,
            at: place.address(),
            caller: 0,
        });
        None
    });
    // A word that happens to be next to the one found is not the caller.
    if let Some(busy) = found
        .as_mut()
        .filter(|_| stacks.search(who) == StackSearch::EveryWord)
    {
        busy.caller = 0;
    }
    // A function that was found before a broken record is busy in any case.
    match (found, walked) {
        (None, Err(error)) => Err(error),
        (found, _) => Ok(found),
    }
}
