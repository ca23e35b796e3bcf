//! Counts instructions in ranges of addresses.

use std::collections::BTreeMap;

use coherence::{Counts, OpKind, Region};

/// The regions and their counts.
pub struct Regions(Vec<(String, Region, Counts)>);

/// The regions that begin, end or contain an address, by number.
#[derive(Default)]
pub struct Marks {
    within: Vec<usize>,
    begins: Vec<usize>,
    ends: Vec<usize>,
}

/// The regions between whose ends a CPU is.
pub struct Open(Vec<bool>);

impl Regions {
    pub fn new(regions: &BTreeMap<String, Region>) -> Self {
        let regions = regions.iter();
        let counted =
            regions.map(|(name, region)| (name.clone(), region.clone(), Counts::default()));
        Self(counted.collect())
    }

    /// The initial state of a CPU.
    pub fn none_open(&self) -> Open {
        Open(vec![false; self.0.len()])
    }

    pub fn marks(&self, address: u64) -> Marks {
        let mut marks = Marks::default();
        for (number, (_, region, _)) in self.0.iter().enumerate() {
            match region {
                Region::Within(range) if range.contains(&address) => marks.within.push(number),
                Region::Between(from, _) if *from == address => marks.begins.push(number),
                Region::Between(_, to) if *to == address => marks.ends.push(number),
                _ => {}
            }
        }
        marks
    }

    /// Counts an instruction with these marks.
    pub fn count(&mut self, marks: &Marks, open: &mut Open, kind: Option<OpKind>) {
        for number in &marks.begins {
            open.0[*number] = true;
        }
        for number in &marks.ends {
            open.0[*number] = false;
        }
        for (number, (_, _, counts)) in self.0.iter_mut().enumerate() {
            if open.0[number] || marks.within.contains(&number) {
                counts.instructions += 1;
                if let Some(kind) = kind {
                    *counts.ops.entry(kind).or_default() += 1;
                }
            }
        }
    }

    pub fn counts(&self) -> BTreeMap<String, Counts> {
        let counted = self.0.iter();
        counted
            .map(|(name, _, counts)| (name.clone(), counts.clone()))
            .collect()
    }
}

impl Marks {
    pub fn is_empty(&self) -> bool {
        self.within.is_empty() && self.begins.is_empty() && self.ends.is_empty()
    }
}

impl Open {
    pub fn is_any(&self) -> bool {
        self.0.contains(&true)
    }
}
