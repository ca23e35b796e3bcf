//! The records of one place, together.

use std::ops::Range;

use alt_runtime::cap::CapSet;

use super::{Format, Record};

/// A place in the text and all that it can become.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    format: Format,
    records: &'a [Record],
}

/// One thing that a site can become: the records that must hold together.
#[derive(Clone, Copy, Debug)]
pub struct Arm<'a> {
    records: &'a [Record],
}

impl<'a> Site<'a> {
    /// `records` are all of one site, at least one.
    pub(super) fn new(format: Format, records: &'a [Record]) -> Self {
        Self { format, records }
    }

    /// Its address.
    pub fn address(&self) -> u64 {
        self.first().site
    }

    /// Its length in bytes, as its first record has it.
    pub fn len(&self) -> u32 {
        self.first().site_len
    }

    /// Whether it has no instructions, as only a damaged record says.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The addresses of its instructions.
    pub fn range(&self) -> Range<u64> {
        let start = self.address();
        start..start.saturating_add(self.len().into())
    }

    /// The address of each of its instructions.
    pub fn words(&self) -> impl Iterator<Item = u64> + use<> {
        // A range without end would count on behind the last address.
        self.range().step_by(4).take(self.len() as usize / 4)
    }

    /// Its records, in the order of the table.
    pub fn records(&self) -> &'a [Record] {
        self.records
    }

    /// Its first record.
    pub fn first(&self) -> &'a Record {
        &self.records[0]
    }

    /// What it can become, in the order of the table.
    pub fn arms(&self) -> impl DoubleEndedIterator<Item = Arm<'a>> + use<'a> {
        let records = self.records;
        let arms = records.chunk_by(|record, _| record.term.and_next);
        arms.map(|records| Arm { records })
    }

    /// What it becomes when these cpucaps are present: in our format the first arm that holds;
    /// in Linux's, where each record is applied in turn, the last one.
    pub fn winner(&self, present: &CapSet) -> Option<Arm<'a>> {
        let mut arms = self.arms();
        match self.format {
            Format::Alt => arms.find(|arm| arm.holds(present)),
            Format::Linux => arms.rfind(|arm| arm.holds(present)),
        }
    }
}

impl<'a> Arm<'a> {
    /// The record that says what the site becomes.
    pub fn record(&self) -> &'a Record {
        &self.records[0]
    }

    /// The records, each with a term of the condition.
    pub fn records(&self) -> &'a [Record] {
        self.records
    }

    /// Whether all its terms hold when these cpucaps are present.
    pub fn holds(&self, present: &CapSet) -> bool {
        self.records.iter().all(|record| record.term.holds(present))
    }
}
