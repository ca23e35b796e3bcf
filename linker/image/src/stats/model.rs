//! The model of the statistics. `docs/alt.md` describes its JSON.

use std::ops::AddAssign;

use serde::Serialize;

/// Sizes of sites and records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// The version of the format; incremented when a field is removed or changes its meaning.
    pub version: u32,
    /// By the kind of the first arm of each site.
    pub kinds: Vec<Group>,
    /// By cpucap: an arm counts for the first cpucap of its condition, and a site for each cpucap of
    /// its arms.
    pub caps: Vec<Group>,
    /// The sums over the image.
    pub here: Layout,
    /// The same sites in the other layout.
    pub there: Layout,
}

/// A group of sites, or of their arms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The name of the group.
    pub name: String,
    /// The number of the cpucap, for a group by cpucap.
    pub cap: Option<u16>,
    /// The number of sites.
    pub sites: usize,
    /// The number of records.
    pub records: usize,
    /// The bytes of the sites in the text.
    pub text: Split,
    /// The bytes that the image has for them.
    pub here: Bytes,
    /// The estimate for the other layout.
    pub there: Bytes,
}

impl Group {
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

/// The bytes of records and replacements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// The records.
    pub table: Split,
    /// The instructions of arms; shared ones count once.
    pub replacements: Split,
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        self.table += other.table;
        self.replacements += other.replacements;
    }
}

/// Bytes, by their lifetime. Sums saturate: a `SHT_NOBITS` section with the room for the plan may be
/// nearly as large as the address space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Split {
    /// Freed after boot.
    pub init: u64,
    /// Kept while the kernel runs.
    pub resident: u64,
}

impl Split {
    /// Both.
    pub fn total(self) -> u64 {
        self.init.saturating_add(self.resident)
    }

    pub(super) fn add(&mut self, init: bool, bytes: u64) {
        let sum = match init {
            true => &mut self.init,
            false => &mut self.resident,
        };
        *sum = sum.saturating_add(bytes);
    }
}

impl AddAssign for Split {
    fn add_assign(&mut self, other: Self) {
        self.add(true, other.init);
        self.add(false, other.resident);
    }
}

/// All bytes except the text of the sites, in one layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// `alt` or `linux`.
    pub format: String,
    /// Its parts.
    pub parts: Vec<Part>,
    /// All of them.
    pub total: Split,
}

/// A table, or another part of the records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The section, or where in the text it is.
    pub name: &'static str,
    /// Whether the file has these bytes too.
    pub in_file: bool,
    /// How many there are.
    pub bytes: Split,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_end_at_the_largest_number() {
        let mut split = Split::default();
        split.add(true, u64::MAX);
        split += split;
        split.add(false, 1);
        let init = u64::MAX;
        assert_eq!(split, Split { init, resident: 1 });
        assert_eq!(split.total(), u64::MAX);
    }
}
