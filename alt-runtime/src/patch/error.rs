//! Why a table was refused, or a pass undone.

use core::fmt;

use crate::callback::CallbackError;
use crate::finished::TableError;
use crate::insn::{Insn, MoveError, OutOfReach};
use crate::message::{hex, message};

/// A record that cannot be applied. No word has been written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PlanError {
    /// Address of the site that the record names.
    pub site: u64,
    /// Number of the record's cpucap.
    pub cap: u16,
    /// Name of the cpucap, if it has one.
    pub name: &'static str,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reason {
    /// The site is not on a 4-byte boundary.
    MisalignedSite,
    /// The site is not inside the region's text.
    SiteOutsideText {
        /// Length of the site in instructions.
        len: u8,
        /// Start of the text.
        start: u64,
        /// End of the text; of several ranges, that of the last one.
        end: u64,
    },
    /// The site begins before the one of the record before it.
    Unsorted {
        /// Address of the site before.
        previous: u64,
    },
    /// The site begins inside the one of the record before it.
    Overlap {
        /// Address of the site before.
        previous: u64,
    },
    /// The table of cpucaps has no such number.
    UnknownCap,
    /// The site or the replacement has no instructions.
    ZeroLength,
    /// The replacement is longer than the site. Lengths in instructions.
    ReplacementTooLong {
        /// Length of the site.
        site: u8,
        /// Length of the replacement.
        replacement: u8,
    },
    /// Two arms of one site state different lengths of the site, in instructions.
    LengthsDiffer {
        /// Length that the first arm states.
        first: u8,
        /// Length that a later arm states.
        other: u8,
    },
    /// The condition includes the next record, which belongs to another site or is missing.
    DanglingAnd,
    /// The replacement is neither inside the region's replacements nor its text.
    ReplacementOutside {
        /// Address of the replacement.
        replacement: u64,
    },
    /// The replacement is in the text and shares a word with a site.
    ReplacementOverlaps {
        /// Address of the replacement.
        replacement: u64,
        /// Address of that site.
        site: u64,
    },
    /// The site of a branch holds neither of its two forms.
    UnexpectedWord {
        /// The word found.
        found: Insn,
        /// The word that the record implies.
        expected: Insn,
    },
    /// The site of an alternative holds a BRK or HLT that the arm does not have there. It may be a
    /// debugger's breakpoint: on removal, the debugger would overwrite the patched word with the old
    /// one. Found by the first pass only.
    Breakpoint {
        /// Index of the instruction in the site.
        index: u8,
        /// The instruction.
        word: Insn,
    },
    /// The branch leaves the region's text. A plan reports branches that it would write; the first
    /// pass also those that are in the text already.
    BranchOutsideText {
        /// Where it would go.
        target: u64,
    },
    /// An instruction of the replacement refers to the replacements, which are freed after boot: a
    /// literal pool, or another arm.
    TargetsReplacements {
        /// Index of the instruction in the replacement.
        index: u8,
        /// The instruction.
        word: Insn,
        /// The address it refers to.
        target: u64,
    },
    /// An instruction of the replacement cannot move to the site.
    CannotMove {
        /// Index of the instruction in the replacement.
        index: u8,
        /// The instruction.
        word: Insn,
        /// Why not.
        error: MoveError,
    },
    /// The linker relaxed ADRP and ADD of the replacement to NOP and ADR. ADR does not reach from
    /// the site, and the pair cannot be restored, since another instruction of the replacement
    /// refers to the second one alone.
    Relaxed {
        /// Index of the ADR in the replacement.
        index: u8,
        /// The ADR.
        word: Insn,
        /// The distance that it would need.
        error: OutOfReach,
    },
    /// The record names a callback that is not one of the region's.
    UnregisteredCallback {
        /// The address that it names.
        address: u64,
    },
    /// The record states different lengths for the callback and the site, in instructions.
    CallbackLength {
        /// Length of the site.
        site: u8,
        /// Length for the callback.
        callback: u8,
    },
    /// A callback returned an error.
    CallbackFailed {
        /// Name of the callback.
        name: &'static str,
        /// Why.
        error: CallbackError,
    },
    /// A callback is not idempotent: run on its own result it returns other instructions, so that
    /// a second pass would change the text again. Checked with debug assertions.
    CallbackUnstable {
        /// Name of the callback.
        name: &'static str,
    },
    /// A callback returned an unallocated word, or an instruction that signs with its own address:
    /// see [`Class`](crate::insn::Class).
    CallbackWord {
        /// Index of the instruction in the site.
        index: u8,
        /// The word.
        word: Insn,
    },
    /// An instruction refers to something outside of its text range, which also executes at
    /// another address: it would refer to something else there.
    LeavesAliasedRange {
        /// Index of the instruction in the site.
        index: u8,
        /// The instruction, as it would be at the site.
        word: Insn,
        /// The address it refers to.
        target: u64,
        /// Another address at which the range executes.
        alias: u64,
    },
    /// The region has raw tables, and the kernel is built without the feature `raw-tables`.
    RawTable,
    /// The finished table, or the text, is not as the tool that finished the image left it.
    Finished {
        /// Number of the bucket, from 0; `None` for the table as a whole.
        bucket: Option<u32>,
        /// What is wrong with it.
        error: TableError,
    },
    /// The memory for the plan is too small for the region.
    PlanTooSmall {
        /// Number of writes it has room for.
        room: usize,
        /// Number of words of all sites.
        needed: usize,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MisalignedSite => message!(f, "the site is not 4-byte aligned"),
            Self::SiteOutsideText { len, start, end } => {
                message!(
                    f,
                    "the site of {} instructions is not inside the text, {} to {}",
                    len,
                    hex(start),
                    hex(end)
                )
            }
            Self::Unsorted { previous } => {
                message!(
                    f,
                    "the table is not sorted: the previous site is at {}",
                    hex(previous)
                )
            }
            Self::Overlap { previous } => {
                message!(f, "the site overlaps the one at {}", hex(previous))
            }
            Self::UnknownCap => message!(f, "there is no such cpucap"),
            Self::ZeroLength => message!(f, "the site or its replacement has no instructions"),
            Self::ReplacementTooLong { site, replacement } => {
                message!(
                    f,
                    "the replacement has {} instructions, the site only {}",
                    replacement,
                    site
                )
            }
            Self::LengthsDiffer { first, other } => {
                message!(
                    f,
                    "one arm states that the site has {} instructions, another {}",
                    first,
                    other
                )
            }
            Self::DanglingAnd => message!(
                f,
                "the condition continues in a next record of the site, which is missing"
            ),
            Self::ReplacementOutside { replacement } => {
                message!(
                    f,
                    "the replacement at {} is inside neither the replacements nor the text",
                    hex(replacement)
                )
            }
            Self::ReplacementOverlaps { replacement, site } => {
                message!(
                    f,
                    "the replacement at {} overlaps the site at {}",
                    hex(replacement),
                    hex(site)
                )
            }
            Self::UnexpectedWord { found, expected } => {
                message!(f, "the site holds {}, expected {}", &found, &expected)
            }
            Self::Breakpoint { index, word } => message!(
                f,
                "instruction {} ({}) of the site is a breakpoint: remove it until boot is over, or keep it out of the site",
                index,
                &word
            ),
            Self::BranchOutsideText { target } => {
                message!(f, "the branch to {} leaves the text", hex(target))
            }
            Self::TargetsReplacements {
                index,
                word,
                target,
            } => message!(
                f,
                "instruction {} ({}) of the replacement refers to {} among the replacements, which are freed after boot",
                index,
                &word,
                hex(target)
            ),
            Self::CannotMove { index, word, error } => {
                message!(
                    f,
                    "instruction {} ({}) of the replacement: {}",
                    index,
                    &word,
                    &error
                )
            }
            Self::Relaxed { index, word, error } => {
                message!(
                    f,
                    "instruction {} ({}) of the replacement: {}; if the source has `adrp` and `add`, the linker relaxed them: link with --no-relax",
                    index,
                    &word,
                    &error
                )
            }
            Self::UnregisteredCallback { address } => {
                message!(
                    f,
                    "{} is not one of the callbacks: define it by `callback!`",
                    hex(address)
                )
            }
            Self::CallbackLength { site, callback } => {
                message!(
                    f,
                    "the record states {} instructions for the callback, {} for the site",
                    callback,
                    site
                )
            }
            Self::CallbackFailed { name, error } => message!(f, "callback {}: {}", name, &error),
            Self::CallbackUnstable { name } => {
                message!(
                    f,
                    "callback {} is not idempotent: run on its own result it returned other instructions",
                    name
                )
            }
            Self::CallbackWord { index, word } => {
                message!(
                    f,
                    "callback instruction {} ({}) is unallocated or signs with its own address",
                    index,
                    &word
                )
            }
            Self::LeavesAliasedRange {
                index,
                word,
                target,
                alias,
            } => message!(
                f,
                "instruction {} ({}) refers to {} outside of its text range, which also executes at {}: load the address from memory",
                index,
                &word,
                hex(target),
                hex(alias)
            ),
            Self::RawTable => message!(
                f,
                "the tables are raw, and this kernel reads finished ones only: finish the image, or enable the feature `raw-tables` of alt-runtime"
            ),
            Self::Finished {
                bucket: Some(bucket),
                error,
            } => message!(f, "bucket {} of the finished table: {}", bucket, &error),
            Self::Finished {
                bucket: None,
                error,
            } => error.fmt(f),
            Self::PlanTooSmall { room, needed } => too_small(f, room, needed),
        }
    }
}

/// That the room is too small, and both ways to more.
fn too_small(f: &mut fmt::Formatter<'_>, room: usize, needed: usize) -> fmt::Result {
    message!(
        f,
        "the plan needs room for {} words and has room for {}: give the image a `Room<{}>` that has not been taken (`Image::with_room`), or include alternatives-init.x in the init region of the linker script",
        needed,
        room,
        needed
    )
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            site,
            cap,
            name,
            reason,
        } = *self;
        message!(f, "site {}, cap {} ({}): {}", hex(site), name, cap, &reason)
    }
}

impl core::error::Error for PlanError {}

/// A word that did not read back through the executable mapping. The pass has
/// put the old words back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReadBackError {
    /// Address of the word.
    pub address: u64,
    /// The word that was written.
    pub expected: Insn,
}

impl fmt::Display for ReadBackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, expected } = *self;
        message!(
            f,
            "{} was written for {} but does not read back there: is the alias a mapping of the text? The old words are back",
            &expected,
            hex(address)
        )
    }
}

impl core::error::Error for ReadBackError {}

/// Why an alias that the kernel opened was not used. Nothing has been written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AliasError {
    /// It maps other memory than the text.
    Differs {
        /// Address of a word of the text.
        address: u64,
        /// The word there.
        text: Insn,
        /// The word in the alias.
        alias: Insn,
    },
    /// It is not writable.
    ReadOnly {
        /// Address of a word of the text whose page is not writable in the alias.
        address: u64,
    },
}

impl fmt::Display for AliasError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Differs {
                address,
                text,
                alias,
            } => message!(
                f,
                "the text at {} has {}, its alias has {}: the alias does not map the text",
                hex(address),
                &text,
                &alias
            ),
            Self::ReadOnly { address } => message!(
                f,
                "the alias of the text at {} is read-only: map it writable for the pass, or patch before the kernel protects its text",
                hex(address)
            ),
        }
    }
}

impl core::error::Error for AliasError {}

/// An image that is not linked as a pass needs it. Nothing has been written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ImageError {
    /// The tables are not those of all sites in the image.
    Tables {
        /// Words of the sites that the linker kept.
        linked: usize,
        /// Words of the sites in the tables.
        found: usize,
    },
    /// There is too little room for the plan. All numbers are of words.
    Room {
        /// Number of words that have room.
        room: usize,
        /// Words of all sites.
        needed: usize,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Tables { linked, found } => message!(
                f,
                "the sites in the image have {} words, those in its tables {}: the linker script places or discards alt_branches or alt_records where their __start_ and __stop_ symbols do not enclose them; leave the sections to the linker, or INCLUDE alternatives-init.x once",
                linked,
                found
            ),
            Self::Room { room, needed } => too_small(f, room, needed),
        }
    }
}

impl core::error::Error for ImageError {}

/// Why a pass did not happen. The text is as it was; after a failed read-back, as far
/// as the old words could be written through the same alias.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PatchError<A> {
    /// The plan was refused.
    Plan(PlanError),
    /// The image is not linked as a pass needs it.
    Image(ImageError),
    /// The ranges of the text are not mapped as far apart as they run, so no single
    /// alias maps all of them.
    MappedApart,
    /// The kernel could not open its writable alias.
    Alias(A),
    /// The alias is not one of the text, or not writable.
    WrongAlias(AliasError),
    /// The text did not read back, and was restored.
    ReadBack(ReadBackError),
}

impl<A: fmt::Display> fmt::Display for PatchError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(error) => error.fmt(f),
            Self::Image(error) => error.fmt(f),
            Self::MappedApart => {
                message!(f, "the text ranges are not mapped as far apart as they run")
            }
            Self::WrongAlias(error) => error.fmt(f),
            Self::Alias(error) => {
                message!(f, "the writable alias of the text: ")?;
                error.fmt(f)
            }
            Self::ReadBack(error) => error.fmt(f),
        }
    }
}

impl<A: fmt::Debug + fmt::Display> core::error::Error for PatchError<A> {}
