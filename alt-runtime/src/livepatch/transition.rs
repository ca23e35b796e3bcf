//! From one set of applied payloads to another, in one step: all checks, then one commit.

use super::busy;
use super::error::{ActionError, BusyFunction};
use super::format::Function;
use super::kernel::{Kernel, RunningImage};
use super::loaded::{Loaded, may_be_running};
use super::name::Name;
use super::store::Done;
use super::walk::WalkError;
use crate::insn::Insn;
use crate::patch::{ImageError, PatchError, Plan};
use crate::room::PlannedWrite;

/// A change of the applied payloads. `applied` is in the order of applying; the first `keep` of them
/// stay, the others are reverted, and `add` is applied after those that stay.
pub(super) struct Transition<'a> {
    pub image: RunningImage,
    pub applied: &'a [&'a Loaded],
    pub keep: usize,
    pub add: Option<&'a Loaded>,
    /// The payload whose room is used.
    pub room: &'a Loaded,
}

// The unsafe methods of `Loaded` require a payload that is complete and loaded, and that one operation is in
// progress. The operation that makes a transition guarantees this for all payloads of the transition.

impl Transition<'_> {
    fn kept(&self) -> &[&Loaded] {
        self.applied.get(..self.keep).unwrap_or_default()
    }

    fn reverted(&self) -> &[&Loaded] {
        self.applied.get(self.keep..).unwrap_or_default()
    }

    /// The word of the image at `place`. All places have been found inside the text when their
    /// payload was loaded.
    fn word(&self, place: u64) -> Insn {
        self.image.text.get(place).unwrap_or(Insn(0))
    }

    /// The word at `place` after the reverts: the one that the first of those payloads has found.
    fn word_then(&self, place: u64) -> Insn {
        let saved = self.reverted().iter().find_map(|payload| {
            // SAFETY: it is a payload of the transition.
            let (index, _) = unsafe { payload.function_at(place) }?;
            // SAFETY: it is a payload of the transition, and `function_at` has returned the index.
            Some(unsafe { payload.saved_word(index) })
        });
        saved.unwrap_or_else(|| self.word(place))
    }

    /// Checks each word that is written, and each that the new payload expects.
    pub fn check_words<A>(&self) -> Result<(), ActionError<A>> {
        for (index, payload) in self.applied.iter().enumerate().skip(self.keep) {
            let above = self.applied.get(index + 1..).unwrap_or_default();
            // SAFETY: it is a payload of the transition.
            for function in unsafe { payload.description() }.functions() {
                let place = payload.place(&function);
                if last_at(above, place).is_none() {
                    let branch = payload.branch(&function).unwrap_or(Insn(0));
                    expect(payload, &function, place, self.word(place), [branch])?;
                }
            }
        }
        let Some(payload) = self.add else {
            return Ok(());
        };
        // SAFETY: it is a payload of the transition.
        let description = unsafe { payload.description() };
        for function in description.functions() {
            let place = payload.place(&function);
            let found = self.word_then(place);
            match last_at(self.kept(), place) {
                Some((kept, function)) => {
                    let branch = kept.branch(&function).unwrap_or(Insn(0));
                    expect(payload, &function, place, found, [branch])?;
                }
                None => {
                    let words = description.words(&function).map(Insn);
                    expect(payload, &function, place, found, words)?;
                }
            }
        }
        for (index, expectation) in (0..).zip(description.expectations()) {
            let address = payload.image_at(expectation.place);
            let (found, expected) = (self.word_then(address), Insn(expectation.word));
            if found != expected {
                return Err(ActionError::Expectation {
                    index,
                    address,
                    found,
                    expected,
                });
            }
        }
        Ok(())
    }

    /// Searches the calls in progress for a function that is replaced or restored.
    pub fn check_calls<K: Kernel>(
        &self,
        kernel: &K,
        stopped: &K::Stopped,
    ) -> Result<Option<BusyFunction>, WalkError> {
        busy::find(kernel, stopped, |address| {
            self.replaced(address).or_else(|| self.restored(address))
        })
    }

    /// The function at `address` that the new payload replaces: one of the image, or the one of an
    /// applied payload that it replaces in turn.
    fn replaced(&self, address: u64) -> Option<Name> {
        let add = self.add?;
        // SAFETY: it is a payload of the transition.
        let mut function = unsafe { add.replaced_at(address) };
        if function.is_none() {
            let mut applied = self.applied.iter();
            let payload = applied.find(|payload| payload.executes(address));
            function = payload.and_then(|payload| {
                // SAFETY: it is a payload of the transition.
                let older = unsafe { payload.replacement_at(address) }?;
                // SAFETY: it is a payload of the transition.
                unsafe { add.function_at(payload.place(&older)) }
            });
        }
        let (_, function) = function.filter(|(_, function)| !may_be_running(function))?;
        Some(function_name(add, &function))
    }

    /// The function at `address` of a payload that is reverted.
    fn restored(&self, address: u64) -> Option<Name> {
        let mut reverted = self.reverted().iter();
        let payload = reverted.find(|payload| payload.executes(address))?;
        // SAFETY: it is a payload of the transition.
        match unsafe { payload.replacement_at(address) } {
            Some(function) if may_be_running(&function) => None,
            _ => Some(name_at(payload, address)),
        }
    }

    /// Writes all words. The caller has checked them, and has stopped the other CPUs.
    pub fn commit<K: Kernel>(&self, kernel: &mut K) -> Result<Done, ActionError<K::AliasError>> {
        // SAFETY: it is a payload of the transition, and its room is used here only.
        let room = unsafe { self.room.room() };
        let (mut done, mut needed) = (Done::default(), 0);
        let start = self.image.range().start;
        let mut write = |place: u64, after: Insn| {
            if let Some(entry) = room.get_mut(needed) {
                // The text is shorter than 4 GiB: checked when the payload was loaded.
                let offset = place.wrapping_sub(start) as u32;
                entry.write(PlannedWrite::new(offset, self.word(place), after));
            }
            needed += 1;
        };
        if let Some(payload) = self.add {
            // SAFETY: it is a payload of the transition.
            for function in unsafe { payload.description() }.functions() {
                let branch = payload.branch(&function).unwrap_or(Insn::NOP);
                write(payload.place(&function), branch);
                done.redirected += 1;
            }
        }
        for (index, payload) in self.reverted().iter().enumerate() {
            let below = self.reverted().get(..index).unwrap_or_default();
            // SAFETY: it is a payload of the transition.
            let functions = unsafe { payload.description() }.functions();
            for (index, function) in functions.enumerate() {
                let place = payload.place(&function);
                // SAFETY: it is a payload of the transition.
                let is_added = self
                    .add
                    .is_some_and(|add| unsafe { add.function_at(place) }.is_some());
                if !is_added && last_at(below, place).is_none() {
                    // SAFETY: it is a payload of the transition.
                    write(place, unsafe { payload.saved_word(index) });
                    done.restored += 1;
                }
            }
        }
        let len = room.len();
        let Some(writes) = room.get_mut(..needed) else {
            let error = ImageError::Room { room: len, needed };
            return Err(ActionError::Patch(PatchError::Image(error)));
        };
        // SAFETY: the first `needed` entries have been written.
        let writes = unsafe { &mut *(&raw mut *writes as *mut [PlannedWrite]) };
        // Each payload is sorted; two are not.
        writes.sort_unstable_by_key(|write| write.offset);
        if let Some(payload) = self.add {
            // SAFETY: it is a payload of the transition.
            let functions = unsafe { payload.description() }.functions();
            for (index, function) in functions.enumerate() {
                let word = self.word_then(payload.place(&function));
                // SAFETY: it is a payload of the transition. Its saved words are read only while it is applied.
                unsafe { payload.save_word(index, word) };
            }
        }
        let how = kernel.maintenance();
        let plan = Plan::of_writes(writes);
        // SAFETY: the writes are of the image's text, which nothing else changes after the last
        // pass; the other CPUs wait, and execute an ISB before they continue.
        let report = unsafe { plan.commit(&self.image.region(), &how, &mut kernel.alias()) }?;
        done.words = report.words;
        done.lines = report.lines;
        Ok(done)
    }
}

/// The last of the payloads that has its branch at `place`, and its function.
fn last_at<'a>(payloads: &[&'a Loaded], place: u64) -> Option<(&'a Loaded, Function)> {
    payloads.iter().rev().find_map(|payload| {
        // SAFETY: the payloads are those of a transition.
        let (_, function) = unsafe { payload.function_at(place) }?;
        Some((*payload, function))
    })
}

/// Checks that `found` is one of `expected`.
fn expect<A>(
    payload: &Loaded,
    function: &Function,
    address: u64,
    found: Insn,
    expected: impl IntoIterator<Item = Insn>,
) -> Result<(), ActionError<A>> {
    let mut first = None;
    for word in expected {
        if word == found {
            return Ok(());
        }
        first.get_or_insert(word);
    }
    Err(ActionError::Word {
        function: function_name(payload, function),
        address,
        found,
        expected: first.unwrap_or(Insn(0)),
    })
}

fn function_name(payload: &Loaded, function: &Function) -> Name {
    // SAFETY: the payload is one of a transition.
    Name::new(unsafe { payload.name(function.name, function.name_len) })
}

/// The name of the function at an address of the payload, or the payload's name.
pub(super) fn name_at(payload: &Loaded, address: u64) -> Name {
    // SAFETY: the payload is one of a transition.
    let symbol = unsafe { payload.symbol_at(address) };
    // SAFETY: as above.
    let name = unsafe { payload.description() }.name();
    Name::new(symbol.map_or(name, |(name, _)| name))
}
