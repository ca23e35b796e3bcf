//! Why a file is not a payload.

use core::fmt;

use super::format::{HookKind, MAX_SPAN, SEGMENT_ALIGN, VERSION};
use super::relocate::RelocationError;

/// Why a file is not a payload. Nothing of it has been kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PayloadError {
    /// The file ends before the end of something that it should contain.
    Truncated {
        /// The part.
        what: &'static str,
        /// Bytes of the file that it needs.
        needed: u64,
        /// Bytes of the file.
        len: u64,
    },
    /// The file does not begin as an ELF file.
    NotElf,
    /// A field of the ELF header has a value that no payload has.
    Header {
        /// The field, as in the ELF specification.
        field: &'static str,
        /// The value found.
        found: u64,
        /// The value that payloads have.
        expected: u64,
    },
    /// The payload has no program headers, or more than payloads have.
    SegmentCount {
        /// Their number.
        found: u16,
    },
    /// A segment cannot be used.
    Segment {
        /// Its index among the program headers.
        index: u16,
        /// Why not.
        error: SegmentError,
    },
    /// There is no executable segment.
    NoText,
    /// There is no description.
    NoDescription,
    /// The description does not begin at a multiple of 4 in the file, is too small for a header, or is
    /// larger than [`MAX_SPAN`].
    Description {
        /// Its offset in the file.
        offset: u64,
        /// Its bytes.
        size: u64,
    },
    /// The description does not begin with the right bytes.
    Magic,
    /// The description has another layout than the one that this loader knows.
    Version {
        /// Version of the layout.
        found: u32,
    },
    /// The header states another size of the description than its segment.
    Size {
        /// Bytes by the header.
        stated: u32,
        /// Bytes of the segment.
        found: u64,
    },
    /// The header has flags that are not known, or a payload with a writable segment does not state
    /// that it has state.
    Flags {
        /// The flags.
        found: u32,
    },
    /// The payload replaces nothing and has no hook.
    Nothing,
    /// A table cannot be used.
    Table {
        /// Which one.
        table: Table,
        /// Where it begins: from the start of the description, or of the payload.
        start: u32,
        /// Number of its entries; of bytes for [`Table::Name`] and [`Table::Replacements`].
        len: u32,
        /// Why not.
        error: TableError,
    },
    /// An entry of a table cannot be used.
    Entry {
        /// Which table.
        table: Table,
        /// The index of the entry.
        index: u32,
        /// Why not.
        error: EntryError,
    },
    /// A hook is not an aligned place in the executable segment.
    Hook {
        /// Which one.
        hook: HookKind,
        /// Its offset in the payload.
        offset: u32,
    },
}

/// A table of the description.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Table {
    /// The name of the payload.
    Name,
    /// The functions that it replaces.
    Functions,
    /// The words that may be at the places of the branches.
    Words,
    /// The words that must be in the image.
    Expectations,
    /// The relocations.
    Relocations,
    /// Its functions that replace nothing.
    Symbols,
    /// Its branch sites.
    Branches,
    /// Its sites of alternatives.
    Alternatives,
    /// The replacements of its sites.
    Replacements,
}

/// Why a segment cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SegmentError {
    /// Payloads have no segment of this type.
    Type {
        /// `p_type`.
        found: u32,
    },
    /// The segment is writable and executable.
    WritableAndExecutable,
    /// The access rights are other than R X, R, or R W.
    Flags {
        /// `p_flags`.
        found: u32,
    },
    /// A second segment with this access, or a second description.
    Twice,
    /// The segment begins inside the one before, or before it; or the order is not R X, R, R W.
    Order {
        /// `p_vaddr`.
        address: u64,
    },
    /// The address is not a multiple of [`SEGMENT_ALIGN`].
    Misaligned {
        /// `p_vaddr`.
        address: u64,
    },
    /// The segment is empty.
    Empty,
    /// The segment has more bytes in the file than in memory; or it is executable and not all of it
    /// is in the file, or not in whole instructions.
    Sizes {
        /// `p_filesz`.
        file: u64,
        /// `p_memsz`.
        memory: u64,
    },
    /// The payload spans more than [`MAX_SPAN`].
    TooLarge {
        /// Address of the end.
        end: u64,
    },
}

/// Why a table cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TableError {
    /// It does not begin at a multiple of 4, or is not a whole number of words.
    Misaligned,
    /// It is not inside the description, or not inside the segment where it belongs.
    Outside,
    /// It is not text: UTF-8 without control characters, of 1 to 127 bytes.
    NotText,
}

/// Why an entry of a table cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EntryError {
    /// A place is not at a multiple of 4, or a size is not a multiple of 4.
    Misaligned {
        /// The place or size.
        value: u32,
    },
    /// The entry begins before the end of the one before: the table is not sorted, or two overlap.
    Order {
        /// Where it begins.
        value: u32,
    },
    /// The old or the new function is too short for the branch, and the landing pad.
    TooShort {
        /// Bytes of the function.
        size: u32,
    },
    /// A function is not inside the executable segment.
    OutsideText {
        /// Its offset in the payload.
        start: u32,
        /// Its bytes.
        size: u32,
    },
    /// The name is not inside the read-only segment.
    NameOutside {
        /// Its offset in the payload.
        start: u32,
        /// Its bytes.
        len: u32,
    },
    /// The name is not text: UTF-8 without control characters, not empty.
    NameNotText,
    /// Flags that are not known.
    Flags {
        /// The flags.
        found: u32,
    },
    /// The function has no expected word, or names words outside of the table.
    Words {
        /// Index of the first word.
        first: u32,
        /// Their number.
        count: u32,
    },
    /// The relocation is of a type that this loader does not know.
    UnknownRelocation {
        /// `R_AARCH64_…`.
        kind: u16,
    },
    /// The relocation is against neither the image nor the payload.
    UnknownBase {
        /// The base.
        found: u32,
    },
    /// The place of the relocation is outside of the bytes of a segment in the file.
    PlaceOutside {
        /// Its offset in the payload.
        place: u32,
    },
    /// The target, in the payload, is outside of it.
    TargetOutside {
        /// The target from the payload's base.
        target: i64,
    },
    /// The relocation cannot be applied at its place.
    Relocation(RelocationError),
    /// The site has no instructions.
    EmptySite,
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { what, needed, len } => {
                write!(f, "the payload has {len} bytes, and {what} needs {needed}")
            }
            Self::NotElf => f.write_str("the payload is not an ELF file"),
            Self::Header {
                field,
                found,
                expected,
            } => write!(
                f,
                "{field} of the ELF header is {found:#x}, payloads have {expected:#x}"
            ),
            Self::SegmentCount { found } => {
                write!(
                    f,
                    "the payload has {found} program headers, expected 2 to 4"
                )
            }
            Self::Segment { index, error } => write!(f, "segment {index}: {error}"),
            Self::NoText => f.write_str("the payload has no executable segment"),
            Self::NoDescription => f.write_str(
                "the ELF file has no description: make payloads by `alt livepatch build`",
            ),
            Self::Description { offset, size } => write!(
                f,
                "the description at {offset:#x} of {size} bytes is misaligned, too small or too large"
            ),
            Self::Magic => f.write_str("the description does not begin with `altpatch`"),
            Self::Version { found } => write!(
                f,
                "the description has version {found}, this kernel loads version {VERSION}: use `alt` of the kernel's version"
            ),
            Self::Size { stated, found } => write!(
                f,
                "the header states {stated} bytes of description, the segment has {found}"
            ),
            Self::Flags { found } => {
                write!(
                    f,
                    "the flags {found:#x} are unknown or contradict the segments"
                )
            }
            Self::Nothing => f.write_str("the payload replaces no function and has no hook"),
            Self::Table {
                table,
                start,
                len,
                error,
            } => write!(f, "{table}: at {start:#x}, length {len}: {error}"),
            Self::Entry {
                table,
                index,
                error,
            } => write!(f, "{table}, entry {index}: {error}"),
            Self::Hook { hook, offset } => write!(
                f,
                "the hook {hook:?} at {offset:#x} is not an instruction of the payload"
            ),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "the payload's name",
            Self::Functions => "the functions",
            Self::Words => "the words",
            Self::Expectations => "the expectations",
            Self::Relocations => "the relocations",
            Self::Symbols => "the symbols",
            Self::Branches => "the branch records",
            Self::Alternatives => "the records of alternatives",
            Self::Replacements => "the replacements",
        })
    }
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Type { found } => write!(f, "payloads have no segment of type {found:#x}"),
            Self::WritableAndExecutable => f.write_str("it is writable and executable"),
            Self::Flags { found } => write!(f, "its access {found:#x} is not R X, R or R W"),
            Self::Twice => f.write_str("there is a second one of its kind"),
            Self::Order { address } => write!(
                f,
                "at {address:#x}, it is not after the one before, in the order R X, R, R W"
            ),
            Self::Misaligned { address } => {
                write!(f, "{address:#x} is not a multiple of {SEGMENT_ALIGN:#x}")
            }
            Self::Empty => f.write_str("it is empty"),
            Self::Sizes { file, memory } => {
                write!(f, "{file} bytes in the file do not make {memory} in memory")
            }
            Self::TooLarge { end } => write!(f, "it ends at {end:#x}, above {MAX_SPAN:#x}"),
        }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Misaligned => "not aligned to words",
            Self::Outside => "outside of the description, or of its segment",
            Self::NotText => "not UTF-8 of 1 to 127 bytes without control characters",
        })
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Misaligned { value } => write!(f, "{value:#x} is not a multiple of 4"),
            Self::Order { value } => {
                write!(f, "{value:#x} is not after the end of the entry before")
            }
            Self::TooShort { size } => {
                write!(f, "a function of {size} bytes has no room for the branch")
            }
            Self::OutsideText { start, size } => write!(
                f,
                "{size} bytes at {start:#x} are not inside the executable segment"
            ),
            Self::NameOutside { start, len } => write!(
                f,
                "the name, {len} bytes at {start:#x}, is not inside the read-only segment"
            ),
            Self::NameNotText => {
                f.write_str("the name is empty, or not UTF-8 without control characters")
            }
            Self::Flags { found } => write!(f, "unknown flags {found:#x}"),
            Self::Words { first, count } => {
                write!(
                    f,
                    "{count} expected words from number {first} on do not exist"
                )
            }
            Self::UnknownRelocation { kind } => write!(f, "unknown relocation type {kind}"),
            Self::UnknownBase { found } => write!(f, "unknown base {found} of a relocation"),
            Self::PlaceOutside { place } => {
                write!(
                    f,
                    "the place {place:#x} is not in the file's part of a segment"
                )
            }
            Self::TargetOutside { target } => {
                write!(f, "the target {target:#x} is outside of the payload")
            }
            Self::Relocation(error) => error.fmt(f),
            Self::EmptySite => f.write_str("the site has no instructions"),
        }
    }
}

impl core::error::Error for PayloadError {}
