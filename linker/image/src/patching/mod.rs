//! The patcher of `alt-runtime`, run on the host over an image's file.
//!
//! A [`Host`] is an image in the form that the patcher takes, with Linux records converted to ours.
//! An [`Expectation`] is the result of patching for given cpucaps; [`becomes`] applies one arm to
//! its site.

mod answers;
mod arm;
mod callbacks;
mod error;
mod expectation;
mod host;
mod linux;

pub use answers::{AnswerError, Answers, Word};
pub use arm::{ArmError, Becomes, becomes, planned};
pub use error::{HostError, Problem};
pub(crate) use expectation::written;
pub use expectation::{Change, ExpectError, Expectation, Left, callback_name};
pub use host::Host;
