//! Sets of addresses, and symbols that denote some.

use std::ops::Range;

use alt_image::graph::{Edge, EdgeKind};
use alt_image::image::Image;

/// Ranges of addresses, sorted and without overlap.
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

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, by address.
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.0
    }
}

/// Symbols whose addresses code may use, while it must not access the memory there. A symbol with an
/// empty range is a bound.
#[derive(Clone, Debug, Default)]
pub struct Named(Vec<(String, Range<u64>)>);

impl Named {
    /// Takes the mangled names of symbols, and the addresses that each denotes.
    pub fn new(symbols: impl IntoIterator<Item = (String, Range<u64>)>) -> Self {
        Self(symbols.into_iter().collect())
    }

    /// Whether a reference uses the address of one of them: compared by name if the linker kept the
    /// relocation, since another object may begin at the address of a bound; otherwise by address.
    pub(crate) fn is_used_by(&self, edge: &Edge, image: &Image) -> bool {
        if edge.kind == EdgeKind::Branch {
            return false;
        }
        // The end of an array still belongs to it; any address may be relative to a bound.
        let is_of = |range: &Range<u64>| {
            range.is_empty() || (range.start..=range.end).contains(&edge.target)
        };
        let kept = image.relocations_in(edge.at..edge.at.saturating_add(1));
        let mut kept = kept.iter().filter(|r| r.target == edge.target).peekable();
        if kept.peek().is_some() {
            return kept.any(|kept| {
                let mut symbols = self.0.iter();
                symbols.any(|(name, range)| *name == kept.symbol && is_of(range))
            });
        }
        let mut symbols = self.0.iter();
        symbols.any(|(_, range)| range.start == edge.target || range.contains(&edge.target))
    }
}
