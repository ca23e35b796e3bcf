//! Livepatch payloads: the functions that they replace, and payloads that only tests make.

mod fixture;
mod payload;

pub use fixture::{Fixture, Replacement};
pub use payload::{Payload, Replaced};
