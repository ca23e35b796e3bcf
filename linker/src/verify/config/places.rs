//! A set of addresses.

use std::ops::Range;

/// Ranges of addresses, in order and without overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(Vec<Range<u64>>);

impl Places {
    /// All addresses of the ranges.
    pub fn new(ranges: impl IntoIterator<Item = Range<u64>>) -> Self {
        let mut sorted: Vec<_> = ranges.into_iter().filter(|r| !r.is_empty()).collect();
        sorted.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<u64>> = Vec::new();
        for range in sorted {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        Self(merged)
    }

    /// Whether an address is among them.
    pub fn contains(&self, address: u64) -> bool {
        let after = self.0.partition_point(|range| range.start <= address);
        after > 0 && self.0[after - 1].contains(&address)
    }

    /// Whether all addresses of a range are among them.
    pub fn covers(&self, range: &Range<u64>) -> bool {
        let after = self.0.partition_point(|r| r.start <= range.start);
        after > 0 && self.0[after - 1].end >= range.end
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, by address.
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.0
    }
}
