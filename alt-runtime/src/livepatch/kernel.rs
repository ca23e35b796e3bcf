//! The kernel's interface for the loader: its image, its memory, its CPUs.

use core::ops::Range;

use super::build_id::BuildId;
use super::calls::Stacks;
use super::format::{HookKind, Id};
use super::memory::PayloadMemory;
use crate::arch::Maintenance;
use crate::callback::Callback;
use crate::patch::{Decision, WritableAlias};
use crate::region::{Region, Table, Text, Words};

/// The image whose functions are replaced.
#[derive(Clone, Copy, Debug)]
pub struct RunningImage {
    /// Its text.
    pub text: Text<'static>,
    /// Its callbacks: the only ones that sites of a payload may name. Empty if the kernel has freed
    /// them; then a payload whose sites name one is refused.
    pub callbacks: Table<'static, Callback>,
    /// Its build id, and where that is.
    pub build_id: BuildId,
}

impl RunningImage {
    /// The text, without tables, which is patched when a payload is applied.
    pub(super) fn region(&self) -> Region<'static> {
        Region {
            text: self.text,
            branches: Table::new(0, &[]),
            alternatives: Table::new(0, &[]),
            replacements: Words::new(0, &[]),
            callbacks: Table::new(0, &[]),
        }
    }

    /// The addresses of the text.
    pub(super) fn range(&self) -> Range<u64> {
        self.text.range()
    }
}

/// A function of a payload that the kernel calls for the loader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Hook<'a> {
    /// When.
    pub kind: HookKind,
    /// Its address: an `extern "C" fn() -> u32`.
    pub address: u64,
    /// The payload.
    pub payload: Id,
    /// The payload's name.
    pub name: &'a str,
}

/// The kernel, as a payload needs it.
///
/// # Safety
/// - [`image`](Self::image) describes the running image after the last pass: nothing but the loader
///   changes its text any more.
/// - [`maintenance`](Self::maintenance) suits every CPU that executes it.
/// - An operation of [`Livepatch`](super::Livepatch) is not preempted while the CPUs are stopped.
pub unsafe trait Kernel: PayloadMemory + Stacks {
    /// Why the writable alias of the text could not be opened.
    type AliasError;

    /// The running image.
    fn image(&self) -> RunningImage;

    /// The final decision about cpucaps, for the sites of a payload: see
    /// [`Finalised::decision`](crate::boot::Finalised::decision).
    fn decision(&self) -> Decision<'_>;

    /// The cache maintenance that suits all CPUs: see
    /// [`Finalised::maintenance`](crate::boot::Finalised::maintenance).
    fn maintenance(&self) -> Maintenance;

    /// The writable alias of the image's text.
    fn alias(&mut self) -> impl WritableAlias<Error = Self::AliasError>;

    /// Calls a hook and returns its result: 0, or the reason for which it refuses.
    ///
    /// A kernel can override this to log hooks, or to call them in a certain context.
    ///
    /// # Safety
    /// The hook is a function of a payload whose memory is complete.
    unsafe fn call(&mut self, hook: Hook<'_>) -> u32 {
        // SAFETY: the loader calls this for a hook of a payload that it has loaded; whoever loaded
        // it promised that the payload comes from the tool, which emits hooks of this type.
        let function: extern "C" fn() -> u32 =
            unsafe { core::mem::transmute(hook.address as *const ()) };
        function()
    }
}
