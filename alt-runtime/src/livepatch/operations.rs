//! The operations on payloads.

use super::busy;
use super::error::ActionError;
use super::format::{HookKind, Id, PAYLOAD_HAS_STATE};
use super::kernel::Kernel;
use super::load;
use super::load_error::LoadError;
use super::loaded::Loaded;
use super::payload::Payload;
use super::store::{Done, Livepatch, Operation, State};
use super::transition::{Transition, name_at};

impl<const N: usize> Livepatch<N> {
    /// Loads the payload that is in `file`: validates it, copies it to memory of the kernel's,
    /// relocates it, patches its sites for this system, makes it executable, and calls its hook
    /// [`Load`](HookKind::Load). `file` is not used afterwards. Returns the payload's id, by which
    /// the other operations name it.
    ///
    /// It takes at most 3.5 KB of stack in an optimised kernel, and what the functions of `kernel` take.
    ///
    /// # Errors
    /// The payload cannot be used here. Nothing of it is kept.
    ///
    /// # Safety
    /// The payload comes from `alt livepatch build`, whose two builds are of the kernel that runs
    /// and of a change of it: its code is executed when it is applied.
    pub unsafe fn load<K: Kernel>(
        &self,
        kernel: &mut K,
        file: &[u8],
    ) -> Result<Id, LoadError<K::MemoryError>> {
        let mut operation = self.begin().ok_or(LoadError::Busy)?;
        let payload = Payload::parse(file);
        // Borrowed: a copy would take stack.
        let payload = match &payload {
            Ok(payload) => payload,
            Err(why) => return Err(LoadError::Payload(*why)),
        };
        let (id, running) = (payload.id(), kernel.image().build_id.id);
        if payload.image() != running {
            return Err(LoadError::OtherImage {
                expected: payload.image(),
                found: running,
            });
        }
        if operation.find(&id).is_some() {
            return Err(LoadError::AlreadyLoaded);
        }
        let others = operation.functions();
        let Some((index, place)) = operation.free_slot() else {
            return Err(LoadError::Full { capacity: N });
        };
        load::load(kernel, payload, others, place)?;
        // Before the hook is called, so that a fault in the hook can be named.
        operation.publish(index);
        // SAFETY: `load::load` has completed the payload.
        let code = unsafe { call(kernel, operation.loaded(index), HookKind::Load) };
        if code != 0 {
            while !operation.remove(index, |loaded| kernel.free(loaded.block, &loaded.layout)) {
                core::hint::spin_loop();
            }
            return Err(LoadError::Refused { code });
        }
        Ok(id)
    }

    /// Makes the image use the new functions of a loaded payload: calls its hook
    /// [`PreApply`](HookKind::PreApply), stops the other CPUs, checks all that the payload expects
    /// and that no old function is busy, writes one branch to each old function, releases the CPUs,
    /// and calls [`PostApply`](HookKind::PostApply).
    ///
    /// # Errors
    /// The payload is still loaded and not applied. After [`ActionError::Calls`] and
    /// [`ActionError::Stop`] it is worth trying again; then `PreApply` is called again.
    pub fn apply<K: Kernel>(
        &self,
        kernel: &mut K,
        payload: &Id,
    ) -> Result<Done, ActionError<K::AliasError>> {
        let operation = self.begin().ok_or(ActionError::Busy)?;
        let index = operation.to_apply(payload)?;
        let (_, applied) = operation.applied();
        operation.change(kernel, applied, Some(index))
    }

    /// Makes the image use its own functions again, or those of the payload that was applied before:
    /// calls the hook [`PreRevert`](HookKind::PreRevert), stops the other CPUs, checks that nothing
    /// executes the payload, writes the words back that [`apply`](Self::apply) has found, releases
    /// the CPUs, and calls [`PostRevert`](HookKind::PostRevert).
    ///
    /// # Errors
    /// The payload is still applied.
    pub fn revert<K: Kernel>(
        &self,
        kernel: &mut K,
        payload: &Id,
    ) -> Result<Done, ActionError<K::AliasError>> {
        let operation = self.begin().ok_or(ActionError::Busy)?;
        let index = operation.in_state(payload, State::Applied)?;
        let (applied, len) = operation.applied();
        let last = len.checked_sub(1).and_then(|last| applied.get(last));
        match last.and_then(|last| operation.loaded(*last)) {
            Some(last) if operation.find(&last.header.id) != Some(index) => {
                Err(ActionError::NotLast {
                    last: last.header.id,
                })
            }
            _ => operation.change(kernel, len.saturating_sub(1), None),
        }
    }

    /// Applies a loaded payload and reverts all others, in one step. Its parent is the image. All
    /// hooks that may refuse are called before, and all that it expects is checked against the image
    /// as it will be: no CPU executes a mix.
    ///
    /// The hooks are called in this order: [`PreRevert`](HookKind::PreRevert) of the others, the one
    /// that was applied last first; [`PreApply`](HookKind::PreApply);
    /// [`PostRevert`](HookKind::PostRevert) of the others; [`PostApply`](HookKind::PostApply).
    ///
    /// # Errors
    /// The same payloads are applied as before.
    pub fn replace<K: Kernel>(
        &self,
        kernel: &mut K,
        payload: &Id,
    ) -> Result<Done, ActionError<K::AliasError>> {
        let operation = self.begin().ok_or(ActionError::Busy)?;
        let index = operation.to_apply(payload)?;
        operation.change(kernel, 0, Some(index))
    }

    /// Frees a payload that is not applied, after a call of its hook
    /// [`Unload`](HookKind::Unload). A payload that has been applied is freed only if no call in
    /// progress is in it.
    ///
    /// # Errors
    /// The payload is still loaded.
    pub fn unload<K: Kernel>(
        &self,
        kernel: &mut K,
        payload: &Id,
    ) -> Result<(), ActionError<K::AliasError>> {
        let mut operation = self.begin().ok_or(ActionError::Busy)?;
        let index = operation.in_state(payload, State::Loaded)?;
        let loaded = operation.loaded(index).ok_or(ActionError::Unknown)?;
        if operation.is_used(index) {
            let stopped = kernel.stop()?;
            let name = |address| loaded.executes(address).then(|| name_at(loaded, address));
            if let Some(calls) = busy::find(kernel, &stopped, name)? {
                return Err(ActionError::Calls(calls));
            }
        }
        // SAFETY: the payload is in a taken slot, so `load::load` has completed it.
        unsafe { call(kernel, Some(loaded), HookKind::Unload) };
        match operation.remove(index, |loaded| kernel.free(loaded.block, &loaded.layout)) {
            true => Ok(()),
            false => Err(ActionError::InUse),
        }
    }
}

impl<const N: usize> Operation<'_, N> {
    /// The slot of a payload, which is in this state.
    fn in_state<A>(&self, payload: &Id, state: State) -> Result<usize, ActionError<A>> {
        let index = self.find(payload).ok_or(ActionError::Unknown)?;
        match self.state(index) {
            found if found == state => Ok(index),
            found => Err(ActionError::WrongState { found }),
        }
    }

    /// The slot of a payload that can be applied.
    fn to_apply<A>(&self, payload: &Id) -> Result<usize, ActionError<A>> {
        let index = self.in_state(payload, State::Loaded)?;
        let loaded = self.loaded(index).ok_or(ActionError::Unknown)?;
        match self.is_used(index) && loaded.header.flags & PAYLOAD_HAS_STATE != 0 {
            true => Err(ActionError::Used),
            false => Ok(index),
        }
    }

    /// Keeps the first `keep` of the applied payloads, reverts the others, and applies the one in
    /// slot number `add`.
    fn change<K: Kernel>(
        &self,
        kernel: &mut K,
        keep: usize,
        add: Option<usize>,
    ) -> Result<Done, ActionError<K::AliasError>> {
        let image = kernel.image();
        let (indices, len) = self.applied();
        let indices = indices.get(..len).unwrap_or_default();
        // The slots of applied payloads are taken; `newest` is there, since one payload is.
        let room = self.newest().ok_or(ActionError::Unknown)?;
        let mut payloads = [room; N];
        for (place, index) in payloads.iter_mut().zip(indices) {
            *place = self.loaded(*index).ok_or(ActionError::Unknown)?;
        }
        let applied = payloads.get(..len).unwrap_or_default();
        let transition = Transition {
            image,
            applied,
            keep,
            add: add.and_then(|index| self.loaded(index)),
            room,
        };
        if let Some(payload) = transition.add {
            let parent = keep.checked_sub(1).and_then(|last| applied.get(last));
            let found = parent.map_or(image.build_id.id, |parent| parent.header.id);
            let expected = payload.header.parent;
            if expected != found {
                return Err(ActionError::WrongParent { expected, found });
            }
        }
        let reverted = || applied.iter().copied().skip(keep).rev();
        for payload in reverted() {
            ask(kernel, payload, HookKind::PreRevert)?;
        }
        if let Some(payload) = transition.add {
            ask(kernel, payload, HookKind::PreApply)?;
        }

        let stopped = kernel.stop()?;
        transition.check_words()?;
        if let Some(calls) = transition.check_calls(kernel, &stopped)? {
            return Err(ActionError::Calls(calls));
        }
        let done = transition.commit(kernel)?;
        drop(stopped);

        for index in indices.iter().skip(keep) {
            self.set_level(*index, 0);
        }
        if let Some(index) = add {
            self.set_level(index, keep + 1);
        }
        for payload in reverted() {
            // SAFETY: the payload is in a taken slot, so `load::load` has completed it.
            unsafe { call(kernel, Some(payload), HookKind::PostRevert) };
        }
        // SAFETY: as for the payloads above.
        unsafe { call(kernel, transition.add, HookKind::PostApply) };
        Ok(done)
    }
}

/// Calls a hook that may refuse.
fn ask<K: Kernel>(
    kernel: &mut K,
    payload: &Loaded,
    hook: HookKind,
) -> Result<(), ActionError<K::AliasError>> {
    // SAFETY: the payload is in a taken slot, so `load::load` has completed it.
    match unsafe { call(kernel, Some(payload), hook) } {
        0 => Ok(()),
        code => Err(ActionError::Refused {
            payload: payload.header.id,
            hook,
            code,
        }),
    }
}

/// Calls a hook and returns its result; 0 if the payload has none.
///
/// # Safety
/// `load::load` has completed the payload.
unsafe fn call<K: Kernel>(kernel: &mut K, payload: Option<&Loaded>, kind: HookKind) -> u32 {
    // SAFETY: a complete payload has its description.
    match payload.and_then(|payload| unsafe { payload.hook(kind) }) {
        // SAFETY: the hook is a function of a complete payload, whose text is executable.
        Some(hook) => unsafe { kernel.call(hook) },
        None => 0,
    }
}
