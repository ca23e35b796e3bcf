//! Symbols whose addresses may be used, where what they name must not be touched otherwise.

use std::ops::Range;

use super::Subject;
use crate::graph::{Edge, EdgeKind};

/// Symbols that may be named; without a range, those that say where something begins or ends.
#[derive(Clone, Debug, Default)]
pub struct Named(Vec<(String, Range<u64>)>);

impl Named {
    /// Symbols, mangled, and the addresses that each stands for.
    pub fn new(symbols: impl IntoIterator<Item = (String, Range<u64>)>) -> Self {
        Self(symbols.into_iter().collect())
    }

    /// Whether a reference uses the address of one of them: by name where the relocation has
    /// been kept, since the next thing may begin where a bound is; else by address.
    pub(super) fn says(&self, subject: &Subject<'_>, edge: &Edge) -> bool {
        if edge.kind == EdgeKind::Branch {
            return false;
        }
        // The end of an array is still of it; of a bound, there is no more to know.
        let is_of = |range: &Range<u64>| {
            range.is_empty() || (range.start..=range.end).contains(&edge.target)
        };
        let kept = subject
            .image
            .relocations_in(edge.at..edge.at.saturating_add(1));
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
