//! The sites of a table: the number of each kind and length.
//!
//! The counts are those of a distribution's arm64 kernel, Linux 6.12. It has 24,427 records of
//! three kinds that can be distinguished, and 95 records whose length alone is known: here they are
//! callbacks, the most expensive kind. 478 branches are added to reach 25,000.

use super::random::Random;

/// What a site holds and what it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SiteKind {
    /// A B that becomes NOP.
    LikelyBranch,
    /// A NOP that becomes B.
    UnlikelyBranch,
    /// NOPs that become instructions. In words.
    NopsToCode(u8),
    /// Instructions that become others. In words.
    CodeToCode(u8),
    /// An instruction that becomes a B to somewhere else.
    CodeToBranch,
    /// Instructions that a callback computes: five.
    Callback,
}

/// Words of a callback's site.
pub(crate) const CALLBACK_WORDS: u8 = 5;

/// Records of the largest table.
pub(crate) const RECORDS: usize = 25_000;

/// How many of each kind a distribution's kernel has.
pub(crate) const LINUX: [(SiteKind, usize); 14] = [
    (SiteKind::LikelyBranch, 15_982),
    (SiteKind::UnlikelyBranch, 478),
    (SiteKind::NopsToCode(1), 1_797),
    (SiteKind::CodeToBranch, 1_653),
    (SiteKind::CodeToCode(1), 6_762 - 1_797 - 1_653),
    (SiteKind::CodeToCode(2), 100),
    (SiteKind::CodeToCode(3), 45),
    (SiteKind::CodeToCode(4), 1_283),
    (SiteKind::CodeToCode(5), 302 - 95),
    (SiteKind::Callback, 95),
    (SiteKind::CodeToCode(6), 37),
    (SiteKind::CodeToCode(10), 9),
    (SiteKind::CodeToCode(16), 1),
    (SiteKind::CodeToCode(37), 1),
];

impl SiteKind {
    /// Length of the site in words.
    pub(crate) fn words(self) -> u8 {
        match self {
            Self::LikelyBranch | Self::UnlikelyBranch | Self::CodeToBranch => 1,
            Self::NopsToCode(words) | Self::CodeToCode(words) => words,
            Self::Callback => CALLBACK_WORDS,
        }
    }
}

/// The kinds of `records` sites in the proportions of [`LINUX`], in an order that is always
/// the same but has no pattern.
pub(crate) fn scaled(records: usize) -> Vec<SiteKind> {
    let all: Vec<SiteKind> = LINUX
        .iter()
        .flat_map(|&(kind, count)| std::iter::repeat_n(kind, count))
        .collect();
    // Evenly spread over the list by kinds, so that each has its share.
    let mut kinds: Vec<SiteKind> = (0..records)
        .map(|i| all[(2 * i + 1) * all.len() / (2 * records)])
        .collect();
    Random::new(records as u64).shuffle(&mut kinds);
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_branch(kind: SiteKind) -> bool {
        matches!(kind, SiteKind::LikelyBranch | SiteKind::UnlikelyBranch)
    }

    fn count(kinds: &[SiteKind], is: impl Fn(SiteKind) -> bool) -> usize {
        kinds.iter().filter(|&&kind| is(kind)).count()
    }

    // The numbers of the distribution's kernel, written down a second time.
    #[test]
    fn largest_table_has_the_shape_of_linux() {
        let kinds = scaled(RECORDS);
        assert_eq!(kinds.len(), 25_000);
        assert_eq!(count(&kinds, |kind| kind == SiteKind::LikelyBranch), 15_982);
        assert_eq!(
            count(&kinds, |kind| matches!(kind, SiteKind::NopsToCode(_))),
            1_797
        );
        let code = |kind| matches!(kind, SiteKind::CodeToCode(_) | SiteKind::CodeToBranch);
        assert_eq!(count(&kinds, code), 6_648);
        assert_eq!(count(&kinds, |kind| kind == SiteKind::CodeToBranch), 1_653);
        let bytes = [
            (4, 6_762),
            (8, 100),
            (12, 45),
            (16, 1_283),
            (20, 302),
            (24, 37),
            (40, 9),
            (64, 1),
            (148, 1),
        ];
        for (bytes, expected) in bytes {
            let long = |kind: SiteKind| !is_branch(kind) && 4 * u32::from(kind.words()) == bytes;
            assert_eq!(count(&kinds, long), expected, "sites of {bytes} bytes");
        }
    }

    #[test]
    fn smaller_tables_have_the_same_proportions() {
        for records in [10, 100, 1_000, 10_000] {
            let kinds = scaled(records);
            assert_eq!(kinds.len(), records);
            let likely = count(&kinds, |kind| kind == SiteKind::LikelyBranch);
            let expected = 15_982 * records / 25_000;
            assert!(likely.abs_diff(expected) <= 1, "{likely} of {records}");
        }
    }

    #[test]
    fn order_has_no_pattern_and_is_always_the_same() {
        let kinds = scaled(1_000);
        assert!(!kinds.is_sorted());
        assert_eq!(kinds, scaled(1_000));
    }
}
