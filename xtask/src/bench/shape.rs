//! The sites of a table: the number of each kind, length and cpucap, and how many of them change in the
//! same way. The counts are those of a distribution's kernel ([`linux`](super::linux)), scaled.

use super::{
    linux::{LINUX, Row, SiteKind},
    random::Random,
};

/// A site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    pub(crate) kind: SiteKind,
    pub(crate) cap: u16,
    /// The number of the way in which it changes.
    pub(crate) way: u16,
}

/// Records of the largest table.
pub(crate) const RECORDS: usize = 25_000;

/// `records` sites in the proportions of [`LINUX`], in an order that is always the same: short sequences of
/// one cpucap follow each other at random.
pub(crate) fn scaled(records: usize) -> Vec<Shape> {
    of_kinds(records, |_| true)
}

/// The same without the kinds that do not `count`.
pub(crate) fn of_kinds(records: usize, count: impl Fn(SiteKind) -> bool) -> Vec<Shape> {
    let all: Vec<Shape> = LINUX
        .iter()
        .filter(|row| count(row.kind))
        .flat_map(|row| {
            let &Row {
                cap,
                kind,
                sites,
                words,
            } = row;
            (0..sites).map(move |index| Shape {
                kind,
                cap,
                way: (index % words) as u16,
            })
        })
        .collect();
    // Evenly spread over the list, so that each row has its share.
    let mut sites: Vec<Shape> = (0..records)
        .map(|i| all[(2 * i + 1) * all.len() / (2 * records)])
        .collect();
    let mut random = Random::new(records as u64);
    random.shuffle(&mut sites);
    // Of a cpucap, sites of all kinds.
    sites.sort_by_key(|site| site.cap);
    let mut sequences: Vec<&[Shape]> = Vec::new();
    for of_cap in sites.chunk_by(|a, b| a.cap == b.cap) {
        let mut rest = of_cap;
        while !rest.is_empty() {
            let len = 1 + random.below(3) as usize;
            let (sequence, others) = rest.split_at(len.min(rest.len()));
            sequences.push(sequence);
            rest = others;
        }
    }
    random.shuffle(&mut sequences);
    sequences.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::linux::{HAS_LSE_ATOMICS, SAME_CAP};

    fn count(sites: &[Shape], is: impl Fn(&Shape) -> bool) -> usize {
        sites.iter().filter(|site| is(site)).count()
    }

    // The numbers of the distribution's kernel, written down a second time.
    #[test]
    fn rows_are_those_of_the_kernel() {
        let sum = |is: &dyn Fn(SiteKind) -> bool| -> usize {
            let rows = LINUX.iter().filter(|row| is(row.kind));
            rows.map(|row| row.sites).sum()
        };
        assert_eq!(sum(&|_| true), 27_364);
        assert_eq!(sum(&|kind| kind == SiteKind::LikelyBranch), 16_265);
        assert_eq!(sum(&|kind| kind == SiteKind::UnlikelyBranch), 1_651);
        assert_eq!(sum(&|kind| matches!(kind, SiteKind::Callback(_))), 296);
        let alternative = |words| {
            move |kind| match kind {
                SiteKind::NopsToCode(len) | SiteKind::CodeToCode(len) => len == words,
                _ => false,
            }
        };
        let lengths = [
            (1, 7_368),
            (2, 103),
            (3, 45),
            (4, 1_285),
            (5, 303),
            (6, 37),
            (10, 9),
            (16, 1),
            (37, 1),
        ];
        for (words, expected) in lengths {
            assert_eq!(sum(&alternative(words)), expected, "sites of {words} words");
        }
        assert!(LINUX.is_sorted_by_key(|row| row.cap));
    }

    #[test]
    fn tables_have_the_same_proportions() {
        for records in [10, 100, 1_000, 10_000, RECORDS] {
            let sites = scaled(records);
            assert_eq!(sites.len(), records);
            let lse = count(&sites, |site| site.cap == HAS_LSE_ATOMICS);
            let expected = (15_050 + 1_628) * records / 27_364;
            assert!(lse.abs_diff(expected) <= 1, "{lse} of {records}");
        }
    }

    #[test]
    fn order_has_no_pattern_and_is_always_the_same() {
        let sites = scaled(10_000);
        assert_eq!(sites, scaled(10_000));
        let pairs = sites.windows(2).filter(|pair| pair[0].cap == pair[1].cap);
        let same = 100 * pairs.count() as u64 / 10_000;
        assert!(same.abs_diff(SAME_CAP) <= 3, "{same} %");
    }
}
