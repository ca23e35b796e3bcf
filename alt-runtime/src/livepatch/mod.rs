//! Livepatch: replaces functions of a running kernel, and restores them.
//!
//! A *payload* holds new functions and a description of what they replace. The host tool
//! `alt livepatch build` makes it from two builds of a kernel; `docs/livepatch.md` of the repository
//! describes both sides.
//!
//! A kernel has one [`Livepatch`] as a static, and implements [`PayloadMemory`], [`Stacks`] and
//! [`Kernel`]. An operation is refused with a typed error, and changes nothing then.
//!
//! ```
//! use alt_runtime::livepatch::{Kernel, Livepatch};
//!
//! static LIVEPATCH: Livepatch<4> = Livepatch::new();
//!
//! /// Loads and applies a payload.
//! ///
//! /// # Safety
//! /// The file was made by `alt livepatch build` from the build that runs and a change of it.
//! unsafe fn patch<K: Kernel>(kernel: &mut K, file: &[u8], log: fn(core::fmt::Arguments<'_>))
//! where
//!     K::MemoryError: core::fmt::Display,
//!     K::AliasError: core::fmt::Display,
//! {
//!     // SAFETY: the caller's promise.
//!     let id = match unsafe { LIVEPATCH.load(kernel, file) } {
//!         Ok(id) => id,
//!         Err(error) => return log(format_args!("not loaded: {error}")),
//!     };
//!     match LIVEPATCH.apply(kernel, &id) {
//!         Ok(done) => log(format_args!("{} functions replaced", done.redirected)),
//!         Err(error) => log(format_args!("not applied: {error}")),
//!     }
//! }
//! ```
//!
//! ```text
//!           load             apply
//!   (file) ------> loaded ----------> applied
//!            unload |  ^                 |
//!   (freed) <-------+  +-----------------+
//!                            revert
//! ```
//!
//! | file | content |
//! |---|---|
//! | format.rs | the layout of a payload |
//! | payload.rs, elf.rs, description.rs, check.rs, payload_error.rs | reads and validates a payload |
//! | relocate.rs | computes words that depend on addresses |
//! | kernel.rs, memory.rs, calls.rs | what the kernel provides |
//! | build_id.rs | the running image's id |
//! | load.rs, loaded.rs | from a file to a payload in memory |
//! | walk.rs, busy.rs | the calls in progress |
//! | store.rs | the payloads of a kernel and their states |
//! | transition.rs | the branches, their old words, and the checks while the CPUs are stopped |
//! | operations.rs | load, apply, revert, replace, unload |
//! | load_error.rs, error.rs, code.rs, name.rs | why an operation was refused |

mod build_id;
mod busy;
mod calls;
mod check;
mod code;
mod description;
mod elf;
mod error;
pub mod format;
mod kernel;
mod load;
mod load_error;
mod loaded;
mod memory;
mod name;
mod operations;
mod payload;
mod payload_error;
mod relocate;
mod store;
mod transition;
mod walk;

pub use build_id::BuildId;
pub use calls::{Stack, StackSearch, Stacks, StoppedCpus, Who, here};
pub use error::{ActionError, BusyFunction};
pub use kernel::{Hook, Kernel, RunningImage};
pub use load_error::LoadError;
pub use memory::{Block, Layout, Part, PayloadMemory, Rights};
pub use name::Name;
pub use payload::Payload;
pub use payload_error::{EntryError, PayloadError, SegmentError, Table, TableError};
pub use relocate::{Kind as RelocationKind, RelocationError};
pub use store::{Done, Livepatch, State, Status, Symbol};
pub use walk::{Place, WalkError, WalkReason, walk};

pub use crate::rendezvous::Frame;
