//! Callbacks: instructions that are computed, not copied.
//!
//! What some sites become is known only when the kernel runs: a mask of addresses,
//! the way to call the firmware, a loop count. There `alternative_cb!` names a
//! [`Callback`] in place of instructions:
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
//!     /// How often the branch history is overwritten.
//!     pub static LOOP_COUNT = loop_count;
//! }
//! // unsafe { alternative_cb!("mov {n}, #8", BHB => LOOP_COUNT, n = out(reg) n) }
//! ```
//!
//! A callback is a pure function of the site and of the kernel's own statics, which
//! must have their values *before* the pass. It never writes memory: the patcher
//! does that, once every callback of the pass has answered. It is called
//! with all other CPUs stopped, so it must neither take a lock that one of them may
//! hold nor wait for anything.

use core::{error, fmt};

use crate::insn::{Insn, OutOfReach, Unencodable};

/// Fills the words of a site: they come with what the site holds now, and stay so
/// where they are not filled.
///
/// The words are for the site's own address, and no one moves them. Called again on
/// its own result, as in a second pass, the function must give the same words.
pub type CallbackFn = fn(&Site<'_>, &mut [Insn]) -> Result<(), CallbackError>;

/// What a callback is told about the site at hand.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    address: u64,
    words: &'a [Insn],
}

impl<'a> Site<'a> {
    /// The site that runs at `address` and holds `words`; a kernel does so only in
    /// the tests of its callbacks.
    pub const fn new(address: u64, words: &'a [Insn]) -> Self {
        Self { address, words }
    }

    /// Address at which the first word runs.
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// The words that the site holds now, 1 to 255: those of the source, or those
    /// of an earlier pass.
    pub const fn words(&self) -> &'a [Insn] {
        self.words
    }
}

/// A function that sites may name, made by [`callback!`](crate::callback!).
///
/// Records refer to it by its address, and the patcher calls nothing but what lies
/// in the section `alt_callbacks`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Callback {
    name: &'static str,
    function: CallbackFn,
}

impl Callback {
    /// A callback; one that a kernel's site names is made by
    /// [`callback!`](crate::callback!).
    pub const fn new(name: &'static str, function: CallbackFn) -> Self {
        Self { name, function }
    }

    /// The name of the static, for messages.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Fills `words`, which begin as those of `site`.
    ///
    /// # Errors
    /// What the function says.
    pub fn call(&self, site: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
        (self.function)(site, words)
    }
}

/// Defines [`Callback`]s: `callback! { pub static NAME = function; }`.
///
/// The static lies in a section of its own, `alt_callbacks`. It stays in the image
/// if a site that stays names it, with or without a linker script that mentions the
/// section.
///
/// Code that runs in another address space, such as a hypervisor, has no callbacks of its
/// own: the kernel calls them. It names one of the kernel's, which the kernel defines with
/// `#[unsafe(no_mangle)]`:
///
/// ```
/// # use alt_runtime::callback;
/// callback! {
///     /// The hypervisor's address of what the kernel has elsewhere.
///     // SAFETY: the kernel defines it so, by this macro.
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
        // Elsewhere nothing is patched, and section names may follow other rules.
        #[cfg_attr(target_os = "none", unsafe(link_section = "alt_callbacks"))]
        $vis static $name: $crate::Callback =
            $crate::Callback::new(::core::stringify!($name), {
                const FUNCTION: $crate::CallbackFn = $function;
                FUNCTION
            });
    )+};
}

/// Why a callback gave no instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CallbackError {
    /// A value has no place in the instruction.
    Unencodable(Unencodable),
    /// A target is too far from the site.
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
