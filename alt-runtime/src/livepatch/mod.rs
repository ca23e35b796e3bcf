//! Livepatch: replaces functions of a running kernel, and restores them.
//!
//! A *payload* holds new functions and a description of what they replace. The host tool
//! `alt livepatch build` makes it from two builds of a kernel; `docs/livepatch.md` of the repository
//! describes both sides.
//!
//! A kernel has one [`Livepatch`] as a static, and implements [`PayloadMemory`], [`Stacks`] and
//! [`Kernel`]. An operation is refused with a typed error, and changes nothing then.
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
//! | payload.rs, description.rs, payload_error.rs | reads and validates a payload |
//! | relocate.rs | computes words that depend on addresses |
//! | kernel.rs, memory.rs, calls.rs | what the kernel provides |
//! | build_id.rs | the running image's id |
//! | load.rs | from a file to a loaded payload |
//! | apply.rs | the branches, their old words, the checks under the rendezvous |
//! | walk.rs, busy.rs | the calls in progress |
//! | store.rs | the payloads of a kernel and their states |
//! | error.rs | why an operation was refused |

mod build_id;
mod calls;
mod error;
pub mod format;
mod kernel;
mod memory;
mod payload_error;
mod relocate;
mod store;
mod walk;

pub use build_id::BuildId;
pub use calls::{Stack, Stacks, StoppedCpus, Walk, Who, here};
pub use error::{ActionError, BusyFunction, LoadError, Name};
pub use kernel::{Hook, Kernel, RunningImage};
pub use memory::{Block, Layout, Part, PayloadMemory, Rights};
pub use payload_error::{EntryError, PayloadError, SegmentError, Table, TableError};
pub use relocate::RelocationError;
pub use store::{Done, Livepatch, State, Status, Symbol};
pub use walk::{Place, WalkError, WalkReason, walk};

pub use crate::rendezvous::Frame;
