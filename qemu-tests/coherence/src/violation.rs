//! A violation: a word that a CPU may execute before it is visible, and the step that is missing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A virtual address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(pub u64);

/// A word whose new value a CPU might not have executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Violation {
    /// The event at which it was found.
    pub when: When,
    /// The CPU that did it, counted from 0.
    pub cpu: u32,
    /// The virtual address that it executed: that of the word, or the return address of the
    /// routine.
    pub pc: u64,
    /// The word's physical address; of an interruption, that of the routine's instruction that
    /// was executed last.
    pub word: u64,
    /// The first step that is missing.
    pub missing: Missing,
    /// The CPU that stored the word.
    pub stored_by: u32,
    /// The virtual address it was stored through.
    pub stored_at: Address,
}

/// The event at which a violation was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// It executed the word.
    Executed,
    /// It returned from a routine that promises to have made all words visible to its caller.
    Returned,
    /// It took an exception during such a routine; the handler may execute any word.
    Interrupted,
}

/// The missing step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// No clean of the word's line after the store.
    Clean,
    /// No DSB after the clean, or, where none is needed, the store.
    BarrierAfterClean,
    /// No invalidation of the word's line.
    Invalidate,
    /// An invalidation, but before the clean.
    InvalidateAfterClean,
    /// An invalidation, but by another virtual address than that at which the word is executed.
    InvalidateByAddress,
    /// An invalidation, but on the storing CPU only.
    InvalidateEverywhere,
    /// No DSB after the invalidation.
    BarrierAfterInvalidate,
    /// No invalidation since the executing CPU has turned an MMU on. Before, it fetched from memory
    /// past the data caches, and the line was not cleaned to there.
    InvalidateAfterStart,
    /// No context synchronisation event on the executing CPU after the last DSB.
    Synchronise,
    /// Exceptions were not masked while words changed.
    Mask,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clean => "no DC of its line after the store",
            Self::BarrierAfterClean => "no DSB between the DC (or the store) and the IC",
            Self::Invalidate => "no IC of its line",
            Self::InvalidateAfterClean => "the IC came before the DC",
            Self::InvalidateByAddress => "the IC was by another address",
            Self::InvalidateEverywhere => "the IC was for the storing CPU only",
            Self::BarrierAfterInvalidate => "no DSB after the IC",
            Self::InvalidateAfterStart => "no IC since the executing CPU turned its MMU on",
            Self::Synchronise => "no ISB on the executing CPU after the last DSB",
            Self::Mask => "it was not masked while words change",
        })
    }
}
