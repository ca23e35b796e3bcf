//! The patcher of `alt-runtime`, run on the host over an image's file.
//!
//! A [`Host`] is the image as the patcher sees one; Linux's records are turned into ours for it.
//! An [`Expectation`] is what the patcher makes of it for given cpucaps, [`becomes`] what it makes
//! of one site by one arm.

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
