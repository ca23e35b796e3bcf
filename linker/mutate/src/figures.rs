//! The result of a run.

use std::ops::AddAssign;

use alt_image::image::ImageError;
use alt_image::patching::HostError;
use alt_image::records::RecordsError;
use serde::Serialize;

/// The number of changed images by result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Reported by a rule other than those about the seal.
    pub by_rules: usize,
    /// Different on some system, and reported by the seal alone.
    pub by_seal: usize,
    /// Not different: the same text, before and after patching, on every system.
    pub harmless: usize,
    /// Different on some system, and not reported: the offsets in the file.
    pub missed: Vec<usize>,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.by_rules += other.by_rules;
        self.by_seal += other.by_seal;
        self.harmless += other.harmless;
        self.missed.extend(other.missed);
    }
}

/// Why an image cannot be changed and judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MutateError {
    /// It cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Its records cannot be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// It cannot be given to the patcher.
    #[error(transparent)]
    Host(#[from] HostError),
    /// It has errors, or is refused by the patcher, before any change.
    #[error("the image has findings, or is refused by the patcher, before anything is changed")]
    NotClean,
    /// It has no sites.
    #[error("the image has no sites")]
    NoSites,
}
