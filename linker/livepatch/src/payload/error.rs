//! A payload cannot be built.

use alt_runtime::livepatch::format::{HookKind, MAX_SPAN};
use alt_runtime::livepatch::{PayloadError, RelocationError};

use super::summary::hook_name;

/// A payload cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadBuildError {
    /// The old function has no room for the branch.
    #[error(
        "{name}: the old function has {size} bytes, and the branch{} needs {needed}: change its \
         callers instead, for example by inlining it",
        if *needed == 8 { " after its landing pad" } else { "" }
    )]
    TooShort {
        /// The function.
        name: String,
        /// Its bytes.
        size: u64,
        /// The bytes that it needs.
        needed: u64,
    },
    /// The old function begins with a landing pad, and the new one does not begin with it.
    #[error(
        "{name}: the old function begins with the landing pad {old:08x}, the new one with \
         {new:08x}: the pad stays in the old one, so both must have the same"
    )]
    LandingPad {
        /// The function.
        name: String,
        /// The first word of the old function.
        old: u32,
        /// The first word of the new one.
        new: u32,
    },
    /// The old function is not in the text of the image.
    #[error("{name}: {address:#x} is not in the text of the old image")]
    NotText {
        /// The function.
        name: String,
        /// Its address.
        address: u64,
    },
    /// A callback computes the word at the place of the branch.
    #[error(
        "{name}: a callback computes the word at {address:#x}, where the branch would be, so the \
         expected word is not known"
    )]
    Computed {
        /// The function.
        name: String,
        /// The place of the branch.
        address: u64,
    },
    /// The patcher refuses an arm of a site at the place of the branch.
    #[error("{name}: the site at {address:#x}, where the branch would be: {why}")]
    Site {
        /// The function.
        name: String,
        /// The place of the branch.
        address: u64,
        /// The reason.
        why: String,
    },
    /// The loader has no relocation of this type.
    #[error("{name}+{offset:#x}: relocation type {kind}, which payloads do not have")]
    RelocationType {
        /// The part.
        name: String,
        /// The offset of the place.
        offset: u64,
        /// `R_AARCH64_…`.
        kind: u32,
    },
    /// The instruction of a relocation is not one that it changes, or the target is out of range.
    #[error("{name}+{offset:#x}: {error}")]
    Relocation {
        /// The part.
        name: String,
        /// The offset of the place.
        offset: u64,
        /// The reason.
        error: RelocationError,
    },
    /// A place is outside of the payload's bytes of a part, or not aligned.
    #[error("{name}+{offset:#x}: no place for a relocation of type {kind}")]
    Place {
        /// The part.
        name: String,
        /// The offset.
        offset: u64,
        /// `R_AARCH64_…`.
        kind: u32,
    },
    /// A relocation refers to a part that the payload does not have.
    #[error("{name}+{offset:#x}: refers to something that the payload does not carry")]
    Target {
        /// The part.
        name: String,
        /// The offset.
        offset: u64,
    },
    /// A table is not a whole number of records, or a record does not refer to a site.
    #[error(
        "{name}: {size} bytes of {section}, whose records have {record} bytes and refer to a site"
    )]
    Records {
        /// The function.
        name: String,
        /// The section.
        section: &'static str,
        /// Its bytes.
        size: u64,
        /// The bytes of a record.
        record: usize,
    },
    /// A function is not a whole number of instructions.
    #[error("{name}: {size} bytes, not a whole number of instructions")]
    Misaligned {
        /// The function.
        name: String,
        /// Its bytes.
        size: u64,
    },
    /// An old function is replaced twice: it has several names.
    #[error("{name} and {other} replace the same function at {address:#x}")]
    Twice {
        /// A function.
        name: String,
        /// Another one.
        other: String,
        /// Their place in the old image.
        address: u64,
    },
    /// The payload is larger than a loader accepts.
    #[error("the payload has {size} bytes, and at most {MAX_SPAN} are possible")]
    TooLarge {
        /// Its size in memory.
        size: u64,
    },
    /// A place of the image is too far from the build id.
    #[error("{name}: {address:#x} is more than 2 GiB from the build id of the image")]
    TooFar {
        /// The function.
        name: String,
        /// The address.
        address: u64,
    },
    /// The payload replaces no function, and has no hook.
    #[error("the payload would replace no function, and has no hook")]
    Nothing,
    /// The name is empty, too long, or has control characters.
    #[error("`{}`: a payload's name has 1 to 127 bytes and no control characters", .0.escape_debug())]
    Name(String),
    /// A hook is not a function of the new build.
    #[error(
        "hook {}: {name} is not a function of the new build; to keep a function to which nothing \
         refers, link with -Clink-arg=--undefined={name}",
        hook_name(*kind)
    )]
    Hook {
        /// The kind of hook.
        kind: HookKind,
        /// Its name.
        name: String,
    },
    /// The symbol of an expectation, or a function that may be running, is not there.
    #[error("{0}: there is no such function")]
    NoSymbol(String),
    /// An expectation is not about a word of the old image's text.
    #[error("{name}: {address:#x} is not an instruction of the old image")]
    Expectation {
        /// The place as it was given.
        name: String,
        /// Its address.
        address: u64,
    },
    /// The parent is for another image.
    #[error("the parent is a payload for the image {parent}, and the old image is {image}")]
    Parent {
        /// The id of the parent's image.
        parent: String,
        /// The id of the old image.
        image: String,
    },
    /// The parent is not a payload.
    #[error("the parent is not a payload: {0}")]
    ParentFile(PayloadError),
    /// Something that the payload carries is in a section that has a meaning for the linker only.
    #[error("{name}: the section {section}, which it needs, has no place in a payload")]
    Section {
        /// The function or datum that needs it.
        name: String,
        /// The section.
        section: String,
    },
    /// Calls in progress may finish in the old function, but it branches to the place that changes.
    #[error(
        "{name}: it must not be running, since it branches from {from:#x} to {to:#x}, where the \
         branch to the new function will be"
    )]
    Loops {
        /// The function.
        name: String,
        /// The address of its branch.
        from: u64,
        /// The place of the branch to the new function.
        to: u64,
    },
    /// The difference cannot be patched.
    #[error("{0}")]
    Refused(String),
    /// The loader refuses the payload.
    #[error("the loader would refuse the payload: {0}")]
    Loader(PayloadError),
    /// The ELF file cannot be written.
    #[error("the payload cannot be written: {0}")]
    Write(String),
}
