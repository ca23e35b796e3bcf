//! Livepatch payloads: what they replace, and payloads of tests that no tool has made.

mod fixture;
mod payload;

pub use fixture::{Fixture, Replacement};
pub use payload::{Payload, Replaced};
