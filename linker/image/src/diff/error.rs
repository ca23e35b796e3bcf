//! Errors of a comparison.

use std::ops::Range;

/// Why the comparison is impossible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// The dump is of other memory.
    #[error(
        "the dump ({dump}) has no byte of the text ({text}): --base must be the link address, \
         which is a virtual address in most kernels"
    )]
    Elsewhere {
        /// The addresses of the dump.
        dump: String,
        /// The addresses of the text.
        text: String,
    },
    /// The dump ends, or begins, inside the text.
    #[error(
        "the dump ({dump}) lacks the site at {site:#x} ({place}), but has other text of {section}: \
         give the rest by one more --dump and --base, or exclude the section by --skip {section}"
    )]
    Partial {
        /// The addresses of the dump.
        dump: String,
        /// The first site that it lacks.
        site: u64,
        /// The site as symbol and offset.
        place: String,
        /// The section.
        section: String,
    },
    /// Most of the text differs, also outside of sites.
    #[error(
        "{differ} of {compared} words of text outside of sites differ: the dump holds another build \
         of the image, other memory, or its --base is wrong"
    )]
    OtherText {
        /// The number of words that differ.
        differ: usize,
        /// The number of words that were compared.
        compared: usize,
    },
    /// The section to exclude does not exist.
    #[error("there is no executable section {name} to skip; there are {}", .there.join(", "))]
    UnknownSection {
        /// The name that was given.
        name: String,
        /// The existing names.
        there: Vec<String>,
    },
}

/// Ranges of addresses in a message.
pub(super) fn ranges(ranges: impl Iterator<Item = Range<u64>>) -> String {
    let texts = ranges.map(|range| format!("{:#x} to {:#x}", range.start, range.end));
    texts.collect::<Vec<_>>().join(", ")
}
