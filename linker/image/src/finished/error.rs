//! Why no finished table is written.

use alt_runtime::finished::RunHeader;
use alt_runtime::patch::PlanError;

/// Why no finished table is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The tables are finished already.
    #[error("the tables are finished already")]
    Finished,
    /// The patcher refuses a record.
    #[error(transparent)]
    Refused(#[from] PlanError),
    /// The arms of a site exclude each other in too many ways.
    #[error(
        "site {site:#x}: its arms exclude each other in more than {} ways",
        crate::finished::condition::MAX_WAYS
    )]
    Conditions {
        /// Address of the site.
        site: u64,
    },
    /// A site is too far away for an offset of 32 bits.
    #[error(
        "site {site:#x} is more than 2 GiB away from the table, or more than 16 GiB from the lowest site"
    )]
    TooFar {
        /// Address of the site.
        site: u64,
    },
    /// A callback is too far away for an offset of 32 bits.
    #[error("callback {callback:#x} is more than 2 GiB away from the table")]
    CallbackTooFar {
        /// Address of the callback.
        callback: u64,
    },
    /// The replacements have more words than an index has bits for.
    #[error(
        "the replacements have {words} different words, the table has room for {}",
        RunHeader::MAX_BASE
    )]
    Dictionary {
        /// Number of words.
        words: usize,
    },
}
