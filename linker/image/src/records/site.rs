//! Sites: the records of one place.

use std::ops::Range;

use alt_runtime::cap::CapSet;

use super::{Format, Record};

/// A place in the text, with all its records.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    format: Format,
    records: &'a [Record],
}

/// One arm of a site: the records whose terms must all hold.
#[derive(Clone, Copy, Debug)]
pub struct Arm<'a> {
    records: &'a [Record],
}

impl<'a> Site<'a> {
    /// `records` must belong to one site and not be empty.
    pub(super) fn new(format: Format, records: &'a [Record]) -> Self {
        Self { format, records }
    }

    /// Its address.
    pub fn address(&self) -> u64 {
        self.first().site
    }

    /// Its length in bytes, from its first record.
    pub fn len(&self) -> u32 {
        self.first().site_len
    }

    /// Whether it has no instructions; only a damaged record states that.
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
        // A range without end would overflow after the last address.
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

    /// Its arms, in the order of the table.
    pub fn arms(&self) -> impl DoubleEndedIterator<Item = Arm<'a>> + use<'a> {
        let records = self.records;
        let arms = records.chunk_by(|record, _| record.term.and_next);
        arms.map(|records| Arm { records })
    }

    /// The arm that applies if these cpucaps are present: the first one that holds in our format;
    /// the last one in that of Linux, which applies each record in turn.
    pub fn winner(&self, present: &CapSet) -> Option<Arm<'a>> {
        let mut arms = self.arms();
        match self.format {
            Format::Alt => arms.find(|arm| arm.holds(present)),
            Format::Linux => arms.rfind(|arm| arm.holds(present)),
        }
    }
}

impl<'a> Arm<'a> {
    /// The record with the replacement.
    pub fn record(&self) -> &'a Record {
        &self.records[0]
    }

    /// The records, each with a term of the condition.
    pub fn records(&self) -> &'a [Record] {
        self.records
    }

    /// Whether all its terms hold if these cpucaps are present.
    pub fn holds(&self, present: &CapSet) -> bool {
        self.records.iter().all(|record| record.term.holds(present))
    }
}
