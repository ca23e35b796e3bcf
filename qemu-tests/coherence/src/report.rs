//! The report of the observer: lines of JSON, violations as they happen and counts at the end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{OpKind, violation::Violation};

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// A violation; the same one is not reported twice.
    Violation(Violation),
    /// The observer misses events; the text is the reason.
    Problem(String),
    /// The last line: without it, the report is not complete.
    End(End),
}

/// Instructions by kind.
pub type Ops = BTreeMap<OpKind, u64>;

/// The counts of a region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All instructions.
    pub instructions: u64,
    /// Those of each [`OpKind`].
    pub ops: Ops,
}

/// The end of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Operations of each CPU.
    pub cpus: Vec<Ops>,
    /// The counts of the regions, by name, of all CPUs together.
    pub regions: BTreeMap<String, Counts>,
    /// Number of different violations; the report may have fewer lines.
    pub violations: u64,
    /// Instructions of the text that QEMU has translated; if 0, nothing was watched.
    pub translated: u64,
    /// Stores into text.
    pub stores: u64,
    /// Executions of words that had been written.
    pub executions: u64,
    /// Maintenance by an address whose translation the observer does not know. It is ignored.
    pub untranslated: u64,
}

impl Counts {
    fn sum(&self, is_counted: impl Fn(OpKind) -> bool) -> u64 {
        let counted = self.ops.iter().filter(|(kind, _)| is_counted(**kind));
        counted.map(|(_, count)| count).sum()
    }

    /// Cleans by line.
    pub fn cleans(&self) -> u64 {
        self.sum(OpKind::is_clean)
    }

    /// Invalidations of the instruction cache, of a line or of all.
    pub fn invalidations(&self) -> u64 {
        self.sum(|kind| matches!(kind, OpKind::IcIvau | OpKind::IcIallu | OpKind::IcIalluis))
    }

    /// DSBs of all kinds.
    pub fn dsbs(&self) -> u64 {
        self.sum(OpKind::is_dsb)
    }

    /// ISBs.
    pub fn isbs(&self) -> u64 {
        self.sum(|kind| kind == OpKind::Isb)
    }
}
