//! Callbacks: functions that compute the instructions of a site.
//!
//! Some instructions are known only when the kernel runs: an address mask, the conduit to the
//! firmware, a loop count. For these, `alternative_cb!` has a [`Callback`] in place of instructions:
//!
//! ```
//! use core::sync::atomic::{AtomicU16, Ordering};
//! use alt_runtime::callback;
//! use alt_runtime::{CallbackError, Insn, Site};
//!
//! /// Set before the pass.
//! static LOOPS: AtomicU16 = AtomicU16::new(8);
//!
//! fn loop_count(site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
//!     let [word] = words else {
//!         return Err(CallbackError::Failed("the site is one MOVZ"));
//!     };
//!     *word = Insn::movz(word.rd(), LOOPS.load(Ordering::Relaxed), 0)?;
//!     Ok(())
//! }
//!
//! callback! {
//!     /// The number of branches that overwrite the branch history.
//!     pub static LOOP_COUNT = loop_count;
//! }
//!
//! mod cpucaps {
//!     alt_runtime::cpucaps!("cpucaps.toml");
//! }
//! use cpucaps::ALWAYS_SYSTEM;
//!
//! let n: u64;
//! // SAFETY: the default and the callback write the operand `n` only.
//! unsafe {
//!     alt_runtime::alternative_cb!(
//!         "mov {n}, #8",
//!         ALWAYS_SYSTEM => LOOP_COUNT,
//!         host => { n = 8; },
//!         n = out(reg) n,
//!     )
//! };
//! # assert_eq!(n, 8);
//! ```
//!
//! A callback is a pure function of the site and of the kernel's statics, which must have their
//! values *before* the pass. It does not write the text: the patcher does, after all callbacks of the
//! pass have returned. The other CPUs are stopped during the call, so a callback must not take a lock
//! that one of them may hold, and must not wait.

use core::{error, fmt};

use crate::insn::{Insn, OutOfReach, Unencodable};

/// Computes the words of a site. The slice is initialised with the current words of the site; words
/// that the function does not set stay unchanged.
///
/// The words are for the address of the site and are not relocated. The function must be idempotent:
/// a later pass calls it on its own result, and expects the same words. With debug assertions, a
/// pass calls it twice and is refused if they differ; without, a test of the kernel's can.
///
/// # Errors
/// An error refuses the whole pass.
pub type CallbackFn = fn(&Site<'_>, &mut [Insn]) -> Result<(), CallbackError>;

/// The site that a callback computes instructions for.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    address: u64,
    words: &'a [Insn],
}

impl<'a> Site<'a> {
    /// A site at the run-time address `address` that contains `words`. Kernels need this only to
    /// test their callbacks.
    pub const fn new(address: u64, words: &'a [Insn]) -> Self {
        Self { address, words }
    }

    /// Address at which the first word is executed.
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// The current words of the site, 1 to 255: the default, or the result of an earlier pass.
    pub const fn words(&self) -> &'a [Insn] {
        self.words
    }
}

/// A function that sites can refer to, defined by [`callback!`](crate::callback!).
///
/// Records refer to it by its address. The patcher calls only callbacks in the section
/// `alt_callbacks`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Callback {
    name: &'static str,
    function: CallbackFn,
}

impl Callback {
    /// A callback. Use [`callback!`](crate::callback!) to define one that sites can refer to.
    pub const fn new(name: &'static str, function: CallbackFn) -> Self {
        Self { name, function }
    }

    /// The name of the static, for messages.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Computes `words`, which must be initialised with the words of `site`.
    ///
    /// # Errors
    /// The error of the function.
    pub fn call(&self, site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
        (self.function)(site, words)
    }
}

/// Defines [`Callback`]s: `callback! { pub static NAME = function; }`.
///
/// The static is in the section `alt_callbacks`. The linker keeps it if it keeps a site that refers to
/// it, whether or not a linker script mentions the section.
///
/// Code that runs in another address space, such as a hypervisor, cannot define callbacks, since the
/// kernel calls them. It declares one that the kernel defines with `#[unsafe(no_mangle)]`:
///
/// ```
/// # use alt_runtime::callback;
/// callback! {
///     /// Loads the hypervisor's address of a kernel symbol.
///     // SAFETY: the kernel defines a static of this name with this macro.
///     pub unsafe extern static HYP_ADDRESS;
/// }
/// ```
#[macro_export]
macro_rules! callback {
    ($($(#[$attribute:meta])* $vis:vis unsafe extern static $name:ident;)+) => {
        unsafe extern "Rust" {$(
            $(#[$attribute])*
            $vis safe static $name: $crate::Callback;
        )+}
    };
    ($($(#[$attribute:meta])* $vis:vis static $name:ident = $function:expr;)+) => {$(
        $(#[$attribute])*
        // On a host nothing is patched, and section names may have another form.
        #[cfg_attr(target_os = "none", unsafe(link_section = "alt_callbacks"))]
        $vis static $name: $crate::Callback =
            $crate::Callback::new(::core::stringify!($name), {
                const FUNCTION: $crate::CallbackFn = $function;
                FUNCTION
            });
    )+};
}

/// Why a callback returned no instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CallbackError {
    /// A value cannot be encoded in the instruction.
    Unencodable(Unencodable),
    /// A target is out of the instruction's range at the site.
    OutOfReach(OutOfReach),
    /// The callback's own reason.
    Failed(&'static str),
}

impl From<Unencodable> for CallbackError {
    fn from(error: Unencodable) -> Self {
        Self::Unencodable(error)
    }
}

impl From<OutOfReach> for CallbackError {
    fn from(error: OutOfReach) -> Self {
        Self::OutOfReach(error)
    }
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unencodable(error) => error.fmt(f),
            Self::OutOfReach(error) => error.fmt(f),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

impl error::Error for CallbackError {}
