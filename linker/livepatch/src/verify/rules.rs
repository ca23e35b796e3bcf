//! The rules for payloads, and which one an error of the loader breaks.

use alt_runtime::livepatch::{EntryError, PayloadError, SegmentError, Table, TableError};

/// A rule about payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name in findings.
    pub id: &'static str,
    /// The requirement.
    pub summary: &'static str,
    /// How to fix a violation.
    pub advice: &'static str,
}

/// The advice for a file that was changed after `alt` wrote it.
const REBUILD: &str = "copy the payload again, or build it again by `alt livepatch build`";

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident = $id:literal, $summary:literal, $advice:expr;)+) => {
        $($(#[doc = $doc])* pub(super) static $name: Rule = Rule {
            id: $id,
            summary: $summary,
            advice: $advice,
        };)+

        /// All rules for payloads.
        pub static RULES: &[&Rule] = &[$(&$name),+];
    };
}

rules! {
    TRUNCATED = "payload-truncated", "The file has all bytes that its headers name.", REBUILD;
    HEADER = "payload-header",
        "The file is a little-endian arm64 ELF file of type ET_DYN, with 2 to 4 program headers.",
        "give the file that `alt livepatch build` wrote";
    SEGMENT = "payload-segment",
        "Segments are R X, R and R W, in this order, at multiples of 64 KiB, and at most 32 MiB.",
        REBUILD;
    WRITABLE_TEXT = "payload-writable-text", "No segment is writable and executable.", REBUILD;
    DESCRIPTION = "payload-description", "The file has one description, of the loader's version.",
        "use `alt` of the version that the kernel's alt-runtime has";
    FLAGS = "payload-flags",
        "Flags are known, and a payload with writable data states that it has state.", REBUILD;
    NOTHING = "payload-nothing", "A payload replaces a function or has a hook.",
        "there is nothing to load";
    TABLE = "payload-table", "Tables are whole words inside the segment where they belong.", REBUILD;
    NAME = "payload-name", "Names are UTF-8 without control characters.", REBUILD;
    FUNCTION = "payload-function",
        "Functions are whole instructions, sorted, apart, and in the executable segment.", REBUILD;
    TOO_SHORT = "payload-too-short",
        "Old and new function have room for a branch, and for the landing pad before it.",
        "change the callers of the function instead";
    WORDS = "payload-words", "Each function has the words that its entry may hold.", REBUILD;
    RELOCATION = "payload-relocation",
        "Relocations have types, bases, places and targets that the loader knows.", REBUILD;
    EXPECTATION = "payload-expectation", "Expectations name whole words.", REBUILD;
    RECORD = "payload-record", "Records have sites of one instruction or more.", REBUILD;
    HOOK = "payload-hook", "Hooks are instructions of the payload.", REBUILD;
    IMAGE = "payload-image", "The payload is for the image.",
        "build the payload from the build of the image that runs";
    PARENT = "payload-parent", "The parent is the payload that is applied last.",
        "build the payload with --parent, or apply its parent first";
    OUTSIDE_TEXT = "payload-outside-text",
        "Old functions, and the words that are expected, are in the text of the image.",
        "build the payload from the build of the image that runs";
    LANDING_PAD = "payload-landing-pad",
        "A landing pad of an old function stays, and the new one begins with the same.",
        "compile both builds with the same branch protection";
    ENTRY_WORDS = "payload-entry-words",
        "The words that the entry may hold are those of the image after patching.",
        "build the payload from the build of the image that runs";
    EXPECTED_WORD = "payload-expected-word",
        "The image has the words that are expected, or a site can become them.",
        "compare the word of --expect with the disassembly of the image";
    REACH = "payload-reach", "There is a place for the payload in reach of all functions (±128 MiB).",
        "split the change into two payloads";
    SITE = "payload-site", "The patcher can apply each arm of the payload's sites.",
        "run `alt verify` on the new image, which has the same sites";
}

/// The rule that an error of the loader's parser is about.
pub fn of_error(error: &PayloadError) -> &'static Rule {
    use PayloadError as E;
    match error {
        E::Truncated { .. } => &TRUNCATED,
        E::NotElf | E::Header { .. } | E::SegmentCount { .. } => &HEADER,
        E::Segment {
            error: SegmentError::WritableAndExecutable,
            ..
        } => &WRITABLE_TEXT,
        E::Segment { .. } | E::NoText => &SEGMENT,
        E::NoDescription
        | E::Description { .. }
        | E::Magic
        | E::Version { .. }
        | E::Size { .. } => &DESCRIPTION,
        E::Flags { .. } => &FLAGS,
        E::Nothing => &NOTHING,
        E::Table {
            error: TableError::NotText,
            ..
        } => &NAME,
        E::Table { .. } => &TABLE,
        E::Hook { .. } => &HOOK,
        E::Entry { table, error, .. } => of_entry(*table, error),
        // The loader of a later version.
        _ => &DESCRIPTION,
    }
}

fn of_entry(table: Table, error: &EntryError) -> &'static Rule {
    match (table, error) {
        (_, EntryError::NameOutside { .. } | EntryError::NameNotText) => &NAME,
        (_, EntryError::TooShort { .. }) => &TOO_SHORT,
        (_, EntryError::Words { .. }) => &WORDS,
        (Table::Functions | Table::Symbols, _) => &FUNCTION,
        (Table::Relocations, _) => &RELOCATION,
        (Table::Expectations, _) => &EXPECTATION,
        (Table::Branches | Table::Alternatives, _) => &RECORD,
        _ => &TABLE,
    }
}
