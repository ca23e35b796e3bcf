//! What the observer reports: lines of JSON, violations as they happen and counts at the end.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{Address, Kind};

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// A violation; the same one is not reported twice.
    Violation(Violation),
    /// The observer does not work as it must; the text says why.
    Problem(String),
    /// The last line: without it, the report is not complete.
    End(End),
}

/// A word that was not visible to execution for sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Violation {
    /// What the CPU did.
    pub when: When,
    /// The CPU that did it, counted from 0.
    pub cpu: u32,
    /// The virtual address it executed: the word's, or where the routine returned to.
    pub pc: u64,
    /// The word's physical address; of an interruption, that of the routine's instruction that
    /// was executed last.
    pub word: u64,
    /// The first step that was not taken.
    pub missing: Missing,
    /// The CPU that stored the word.
    pub stored_by: u32,
    /// The virtual address it was stored through.
    pub stored_at: Address,
}

/// What a CPU did with a word that was not visible for sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// It executed the word.
    Executed,
    /// It returned from a routine that promises to have made all words visible to its caller.
    Returned,
    /// It took an exception in the midst of such a routine, which may lead to any word.
    Interrupted,
}

/// The step that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// No clean of the word's line after the store.
    Clean,
    /// No DSB after the clean, or, where none is needed, the store.
    BarrierAfterClean,
    /// No invalidation of the word's line.
    Invalidate,
    /// There was one, but before the clean.
    InvalidateAfterClean,
    /// There was one, but by another virtual address than the word is executed at.
    InvalidateByAddress,
    /// There was one, but on the storing CPU only.
    InvalidateEverywhere,
    /// No DSB after the invalidation.
    BarrierAfterInvalidate,
    /// No invalidation since the executing CPU has turned an MMU on: before, it fetched what is
    /// behind the data caches, where the line was not cleaned to.
    InvalidateAfterStart,
    /// No context synchronisation event on the executing CPU after the last DSB.
    Synchronise,
    /// Exceptions were not masked while words changed.
    Mask,
}

/// Instructions by kind.
pub type Ops = BTreeMap<Kind, u64>;

/// What was counted in a region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Instructions, of which all others are a part.
    pub instructions: u64,
    /// Of these, what [`Kind`] names.
    pub ops: Ops,
}

/// The end of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Operations of each CPU.
    pub cpus: Vec<Ops>,
    /// What was asked for by name, of all CPUs together.
    pub regions: BTreeMap<String, Counts>,
    /// Different violations; more than there are lines if they were too many.
    pub violations: u64,
    /// Instructions of the text that QEMU has translated; without any, nothing was watched.
    pub translated: u64,
    /// Stores into text.
    pub stores: u64,
    /// Executions of words that had been written.
    pub executions: u64,
    /// Maintenance by an address whose translation the observer had not seen. It is taken as
    /// not done.
    pub untranslated: u64,
}

impl Counts {
    fn sum(&self, is_counted: impl Fn(Kind) -> bool) -> u64 {
        let counted = self.ops.iter().filter(|(kind, _)| is_counted(**kind));
        counted.map(|(_, count)| count).sum()
    }

    /// Cleans by line.
    pub fn cleans(&self) -> u64 {
        self.sum(Kind::is_clean)
    }

    /// Invalidations of the instruction cache, of a line or of all.
    pub fn invalidations(&self) -> u64 {
        self.sum(|kind| matches!(kind, Kind::IcIvau | Kind::IcIallu | Kind::IcIalluis))
    }

    /// DSBs of all kinds.
    pub fn dsbs(&self) -> u64 {
        self.sum(Kind::is_dsb)
    }

    /// ISBs.
    pub fn isbs(&self) -> u64 {
        self.sum(|kind| kind == Kind::Isb)
    }
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
