//! Why a build cannot be read.

use alt_object::object::ObjectError;

/// The functions and data of a build cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// An input is truncated or damaged.
    #[error("{name}: truncated or damaged: {error}")]
    Object {
        /// The input.
        name: String,
        /// The text of the parser.
        error: ObjectError,
    },
    /// The debug information cannot be read.
    #[error("the debug information of the image cannot be read: {0}")]
    Debug(#[from] gimli::Error),
}
