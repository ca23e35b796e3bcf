//! Payloads: the ELF files that a kernel loads, in the layout of `alt_runtime::livepatch::format`.
//!
//! | file | content |
//! |---|---|
//! | carry.rs | from a difference to parts |
//! | part.rs | functions and data before they have places |
//! | order.rs | their order, which is the same in each build |
//! | place.rs, records.rs | their places, relocations and tables |
//! | entry.rs | landing pads, and the words where the branches will be |
//! | description.rs, elf.rs | the bytes of the file |
//! | write.rs | all steps |
//! | memory.rs | a payload at an address |
//! | applied.rs | the changes of an applied payload in memory |
//! | summary.rs | a payload as a document |

mod applied;
mod carry;
mod description;
mod elf;
mod entry;
mod error;
mod memory;
mod order;
mod part;
mod place;
mod records;
mod summary;
mod write;

pub use applied::{Applied, AppliedError};
pub use carry::{Options, build};
pub(crate) use entry::is_landing_pad;
pub use entry::{Entry, OldImage};
pub use error::PayloadBuildError;
pub use memory::{InMemory, PlaceError};
pub use part::{Part, PartKind, Reference, Replaced, Target};
pub use summary::{HOOK_NAMES, Summary};
pub use write::{LogString, Specification, write};

/// The section of `defmt`'s log strings, which no image loads.
const LOG_STRINGS: &str = ".defmt";

/// An id in hexadecimal digits.
pub(crate) fn hex(id: &alt_runtime::livepatch::format::Id) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
