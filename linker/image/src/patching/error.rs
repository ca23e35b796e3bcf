//! Why an image, or a record, cannot be given to the patcher.

use crate::records::RecordsError;

/// An image cannot be given to the patcher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The image has no text.
    #[error("the image has no executable section")]
    NoText,
    /// Instructions are at multiples of 4.
    #[error("the text begins at {0:#x}, which is not a multiple of 4")]
    MisalignedText(u64),
    /// More than 256 MiB from the first executable section to the last.
    #[error("the executable sections span {0:#x} bytes; this is not the text of one image")]
    TextTooLarge(u64),
    /// A table has no bytes in the file.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A Linux record that the patcher does not support.
    #[error("the record at {at:#x}, of the site {site:#x}: {problem}")]
    Record {
        /// Address of the record.
        at: u64,
        /// Address of its site.
        site: u64,
        /// The reason.
        problem: Problem,
    },
}

/// Why a Linux record cannot be given to the patcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A length is 0 or not a multiple of 4. In bytes.
    #[error("a length of {0} bytes is not a whole number of instructions")]
    Length(u32),
    /// The lengths of site and replacement differ.
    #[error("{replacement} bytes replace {site}; Linux has no padding")]
    LengthsDiffer {
        /// The length of the site in bytes.
        site: u32,
        /// The length of the replacement in bytes.
        replacement: u32,
    },
    /// A callback has a replacement, of this many bytes.
    #[error("it names a callback and has a replacement of {0} bytes")]
    CallbackWithReplacement(u32),
    /// The number of the cpucap is larger than Linux allows.
    #[error("there is no cpucap {0}")]
    CapTooLarge(u16),
    /// In the sorted table, the record is more than 2 GiB from its site or replacement.
    #[error("site or replacement is more than 2 GiB away")]
    TooFar,
}
