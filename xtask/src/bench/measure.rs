//! All that is measured, as numbers.

use super::{
    bytes::{self, Bytes},
    fit, guest,
    guest::{Line, Pass},
    shape,
    table::{Caps, Table},
    trace::CacheOp,
};
use qemu_tests::{Image, Qemu};
use std::{collections::BTreeSet, error::Error};

/// Records of the tables.
pub(crate) const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, shape::RECORDS];

/// The cost of a pass over one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) records: usize,
    pub(crate) caps: Caps,
    pub(crate) applied: u64,
    /// Words that changed.
    pub(crate) words: u64,
    /// Instructions of the plan of a first pass, which checks every arm.
    pub(crate) first_plan: u64,
    /// Instructions of the plan of a later pass.
    pub(crate) plan: u64,
    /// Instructions of the commit, which verifies.
    pub(crate) commit: u64,
    /// Cache lines that hold words that changed.
    pub(crate) lines: u64,
    /// Maintenance instructions that were executed, from QEMU's log.
    pub(crate) dc: u64,
    /// Lines that were cleaned more than once, or without need.
    pub(crate) dc_in_vain: u64,
    pub(crate) ic: u64,
    pub(crate) dsb: u64,
    /// Bytes of the records and replacements.
    pub(crate) bytes: u64,
}

/// Instructions per record, of the largest table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PerRecord {
    /// A record whose cpucap is present.
    pub(crate) applied: f64,
    /// One whose cpucap is absent.
    pub(crate) skipped: f64,
    /// DC for each cache line that holds a word that changed.
    pub(crate) dc_per_line: f64,
}

/// Everything.
pub(crate) struct Measured {
    pub(crate) peers: Vec<Line>,
    pub(crate) cases: Vec<Case>,
    pub(crate) bytes: Bytes,
}

impl Case {
    /// Instructions per record of a first pass: check, plan, commit and verification.
    pub(crate) fn boot(&self) -> f64 {
        (self.first_plan + self.commit) as f64 / self.records as f64
    }

    /// Plan, commit and verification of a later pass.
    pub(crate) fn total(&self) -> u64 {
        self.plan + self.commit
    }

    fn skipped(&self) -> u64 {
        self.records as u64 - self.applied
    }

    fn new(records: usize, caps: Caps, table: &Table, pass: &Pass) -> Result<Self, Box<dyn Error>> {
        // Checks that the pass did all work correctly.
        for (name, expected) in [
            ("sites", records as u64),
            ("applied", table.applied as u64),
            ("words", table.words as u64),
            ("lines", table.lines.len() as u64),
            ("text", table.digest),
        ] {
            let found = pass.get(name)?;
            if found != expected {
                return Err(format!(
                    "{records} records, {} cpucaps: `{name}` is {found}, expected {expected}",
                    caps.name()
                )
                .into());
            }
        }
        let count = |is: fn(&CacheOp) -> bool| pass.operations.iter().filter(|op| is(op)).count();
        let cleaned = pass.operations.iter().filter_map(|op| match op {
            CacheOp::Dc(address) => Some(address & !63),
            _ => None,
        });
        let dc = count(|op| matches!(op, CacheOp::Dc(_)));
        let useful: BTreeSet<_> = cleaned.filter(|line| table.lines.contains(line)).collect();
        if useful.len() != table.lines.len() {
            let missed = table.lines.len() - useful.len();
            return Err(format!("{records} records: {missed} lines were not cleaned").into());
        }
        Ok(Self {
            records,
            caps,
            applied: table.applied as u64,
            words: table.words as u64,
            first_plan: pass.get("first plan")?,
            plan: pass.get("plan")?,
            commit: pass.get("commit")?,
            lines: table.lines.len() as u64,
            dc: dc as u64,
            dc_in_vain: (dc - useful.len()) as u64,
            ic: count(|op| matches!(op, CacheOp::Ic)) as u64,
            dsb: count(|op| matches!(op, CacheOp::Dsb)) as u64,
            bytes: table.size as u64,
        })
    }
}

/// Counts a pass over a table of this number of records.
pub(crate) fn case(
    qemu: &Qemu,
    image: &Image,
    records: usize,
    caps: Caps,
) -> Result<Case, Box<dyn Error>> {
    let table = Table::new(records, caps, image.symbol("BENCH_CALLBACK")?);
    let pass = guest::run_pass(qemu, image, &table)?;
    Case::new(records, caps, &table, &pass)
}

/// Counts everything.
pub(crate) fn all(qemu: &Qemu, image: &Image, kernel: &Image) -> Result<Measured, Box<dyn Error>> {
    let mut cases = Vec::new();
    for records in SIZES {
        for caps in Caps::ALL {
            cases.push(case(qemu, image, records, caps)?);
        }
    }
    Ok(Measured {
        peers: guest::run_peers(qemu, image)?,
        cases,
        bytes: bytes::measure(image, kernel)?,
    })
}

impl Measured {
    /// The case with this number of records and these cpucaps.
    pub(crate) fn case(&self, records: usize, caps: Caps) -> Option<&Case> {
        let mut cases = self.cases.iter();
        cases.find(|case| case.records == records && case.caps == caps)
    }

    /// The cost of an applied and of a skipped record of `case`. A skipped record costs as much as
    /// in the table in which all are skipped; the rest is the cost of the applied ones.
    pub(crate) fn per_record(&self, case: &Case) -> Option<PerRecord> {
        let none = self.case(case.records, Caps::None)?;
        let skipped = none.total() as f64 / none.records as f64;
        let rest = case.total() as f64 - skipped * case.skipped() as f64;
        Some(PerRecord {
            applied: rest / case.applied as f64,
            skipped,
            dc_per_line: case.dc as f64 / case.lines as f64,
        })
    }

    /// The growth of the cost with the size of the table.
    pub(crate) fn growth(&self, caps: Caps) -> fit::Line {
        let points: Vec<_> = self
            .cases
            .iter()
            .filter(|case| case.caps == caps)
            .map(|case| (case.records as f64, case.total() as f64))
            .collect();
        fit::line(&points)
    }
}
