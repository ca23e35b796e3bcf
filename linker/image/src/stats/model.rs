//! The numbers. `docs/alt.md` describes the JSON that these make.

use std::ops::AddAssign;

use serde::Serialize;

/// What sites and records take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Version of the form of this document: counts up when a field changes its meaning or goes.
    pub version: u32,
    /// By what the sites become, as the first arm of each has it.
    pub kinds: Vec<Group>,
    /// By cpucap: an arm counts for the first one that it asks for. A site with arms of several
    /// counts for each.
    pub caps: Vec<Group>,
    /// All of the image.
    pub here: Layout,
    /// The same sites in the other layout.
    pub there: Layout,
}

/// Some of the sites, or of their arms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    /// What they have in common.
    pub name: String,
    /// Number of the cpucap, if that is it.
    pub cap: Option<u16>,
    /// How many sites.
    pub sites: usize,
    /// How many records.
    pub records: usize,
    /// The instructions of the sites themselves.
    pub text: Split,
    /// What the image has for them.
    pub here: Bytes,
    /// What the other layout would have.
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

/// What records need beside the text of their sites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// The records.
    pub table: Split,
    /// The instructions of arms; those that records share count once.
    pub replacements: Split,
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        self.table += other.table;
        self.replacements += other.replacements;
    }
}

/// Bytes, by how long they stay. Sums end at the largest number: a section that has no bytes in
/// the file, with the room for the plan in it, may be nearly as large as that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Split {
    /// Given back after boot.
    pub init: u64,
    /// There for good.
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

/// Everything beside the text of the sites, in one layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// `alt` or `linux`.
    pub format: String,
    /// What it consists of.
    pub parts: Vec<Part>,
    /// All of them.
    pub total: Split,
}

/// A table, or what else there is.
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
