//! The payloads of a kernel.

use core::fmt;

use super::error::{ActionError, LoadError};
use super::format::Id;
use super::kernel::Kernel;

/// The state of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State {
    /// In memory, complete and executable; the image does not use it.
    Loaded,
    /// The image's functions branch to it.
    Applied,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loaded => "loaded, not applied",
            Self::Applied => "applied",
        })
    }
}

/// What is known about a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status<'a> {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: &'a str,
    /// Its state.
    pub state: State,
    /// Address of its memory.
    pub address: u64,
    /// Bytes of the parts of its memory together.
    pub resident: u32,
    /// Number of functions that it replaces.
    pub functions: u32,
}

/// What is at an address of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Symbol<'a> {
    /// Name of the payload.
    pub payload: &'a str,
    /// Name of the function; `None` between functions.
    pub function: Option<&'a str>,
    /// Bytes from the start of the function, or of the payload.
    pub offset: u64,
}

/// What an action has done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Done {
    /// Functions of the image that have been redirected.
    pub redirected: u32,
    /// Functions of the image that have been restored.
    pub restored: u32,
    /// Words of the image's text that have been written.
    pub words: u32,
    /// Data cache lines that have been cleaned.
    pub lines: u32,
}

/// Up to `N` payloads, as a static of the kernel:
/// `static LIVEPATCH: Livepatch<4> = Livepatch::new();`.
///
/// One operation runs at a time; a second one returns an error. Everything else can be called at any
/// time from any CPU.
#[derive(Debug)]
pub struct Livepatch<const N: usize> {}

impl<const N: usize> Livepatch<N> {
    /// Without payloads.
    #[expect(clippy::new_without_default, reason = "TODO")]
    pub const fn new() -> Self {
        Self {}
    }

    /// Loads the payload that is in `file`: validates it, copies it to memory of the kernel's,
    /// relocates it, patches its sites for this system, makes it executable, and calls its hook
    /// [`Load`](super::format::HookKind::Load). `file` is not used afterwards. Returns the payload's
    /// id, by which the other operations name it.
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
        let _ = (kernel, file);
        Err(LoadError::Busy)
    }

    /// Makes the image use the new functions of a loaded payload: calls its hook
    /// [`PreApply`](super::format::HookKind::PreApply), stops the other CPUs, checks all that the
    /// payload expects and that no old function is busy, writes one branch to each old function,
    /// releases the CPUs, and calls [`PostApply`](super::format::HookKind::PostApply).
    ///
    /// # Errors
    /// The payload is still loaded and not applied. After [`ActionError::Calls`] and
    /// [`ActionError::Stop`] it is worth trying again.
    pub fn apply<K: Kernel>(
        &self,
        kernel: &mut K,
        payload: &Id,
    ) -> Result<Done, ActionError<K::AliasError>> {
        let _ = (kernel, payload);
        Err(ActionError::Unknown)
    }

    /// Makes the image use its own functions again, or those of the payload that was applied before:
    /// calls the hook [`PreRevert`](super::format::HookKind::PreRevert), stops the other CPUs, checks
    /// that nothing executes the payload, writes the words back that [`apply`](Self::apply) has
    /// found, releases the CPUs, and calls [`PostRevert`](super::format::HookKind::PostRevert).
    ///
    /// # Errors
    /// The payload is still applied.
    pub fn revert<K: Kernel>(
        &self,
        kernel: &mut K,
        payload: &Id,
    ) -> Result<Done, ActionError<K::AliasError>> {
        let _ = (kernel, payload);
        Err(ActionError::Unknown)
    }

    /// Applies a loaded payload and reverts all others, in one step. Its parent is the image. All
    /// hooks that may refuse are called before, and all expectations are checked against the image
    /// as it will be: no CPU executes a mix.
    ///
    /// # Errors
    /// The same payloads are applied as before.
    pub fn replace<K: Kernel>(
        &self,
        kernel: &mut K,
        payload: &Id,
    ) -> Result<Done, ActionError<K::AliasError>> {
        let _ = (kernel, payload);
        Err(ActionError::Unknown)
    }

    /// Frees a payload that is not applied, after a call of its hook
    /// [`Unload`](super::format::HookKind::Unload).
    ///
    /// # Errors
    /// The payload is still loaded.
    pub fn unload<K: Kernel>(
        &self,
        kernel: &mut K,
        payload: &Id,
    ) -> Result<(), ActionError<K::AliasError>> {
        let _ = (kernel, payload);
        Err(ActionError::Unknown)
    }

    /// Calls `each` with what is known about each payload, in the order of loading.
    pub fn list(&self, each: impl FnMut(Status<'_>)) {
        let _ = each;
    }

    /// Calls `found` with what is at `address`, if that is in a payload. For backtraces: callable
    /// from exception handlers.
    pub fn lookup<R>(&self, address: u64, found: impl FnOnce(Symbol<'_>) -> R) -> Option<R> {
        let _ = (address, found);
        None
    }
}
