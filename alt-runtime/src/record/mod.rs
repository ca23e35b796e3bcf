//! The records in an image: how they are read, and how they are written.
//!
//! A record states the instructions that one *site* in the text becomes. The macros emit it beside
//! the site, into a section that is linked to the site's own text section
//! (`SHF_LINK_ORDER`): the linker keeps and drops the two together and sorts the
//! table by site address.
//!
//! | section            | holds | element |
//! |--------------------|-------|---------|
//! | `alt_branches`     | sites of `cpu_has_cap!` | [`BranchRecord`], 8 bytes |
//! | `alt_records`      | sites of `alternative!` | [`AlternativeRecord`], 12 bytes |
//! | `alt_replacements` | the instructions of the arms, never executed in place | 4-byte words |
//! | `alt_callbacks`    | the callbacks that [`callback!`](crate::callback!) defines | [`Callback`] |
//! | `alt_plan_size`    | not loaded; its size is that of a plan: one [`PlannedWrite`] for each word of each site | 12 bytes |
//!
//! Offsets are relative to the field that holds them, so a table needs no
//! relocation, can be read-only, and is never written.
//!
//! **This module states the layout**: the structs read it, the assembler text beside them writes
//! it, and [`VERSION`], [`Section`] and the bits of [`Condition`] name it for everything else.
//! Tests compare the texts that cannot use these constants: assembler text and linker scripts.
//! Increase the version with each change.
//!
//! | file           | content |
//! |----------------|---------|
//! | section.rs     | the sections |
//! | condition.rs   | the condition of a record |
//! | branch.rs, alternative.rs | the two kinds of records |
//! | site.rs        | the text around a site |

mod alternative;
mod branch;
mod condition;
mod section;
mod site;

pub use alternative::AlternativeRecord;
pub use branch::BranchRecord;
pub use condition::Condition;
pub(crate) use condition::Record;
pub use section::Section;

#[cfg(doc)]
use crate::{callback::Callback, room::PlannedWrite};

/// Version of the layout, the value of [`VERSION_SYMBOL`].
pub const VERSION: u64 = 2;

/// The absolute symbol that each object with a site defines. Two objects that agree on its value
/// link; two that differ are a duplicate definition.
pub const VERSION_SYMBOL: &str = "__alt_layout_version";

/// The longest site in instructions.
pub const MAX_SITE_LEN: u8 = u8::MAX;

/// The first word of a [finished table](crate::finished), which a host tool has written over one of the
/// tables: `aFT` and a version. A record begins with the distance to its site, which is a multiple of 4.
pub const FINISHED: u32 = u32::from_le_bytes([b'a', b'F', b'T', 2]);

const _: () = assert!(!FINISHED.is_multiple_of(4));

/// States the version of the layout, in each object that writes or reads it.
///
/// The text of [`VERSION`] and [`VERSION_SYMBOL`].
#[doc(hidden)]
#[macro_export]
macro_rules! __alt_layout {
    () => {
        ".globl __alt_layout_version\n.set __alt_layout_version, 2\n"
    };
}
