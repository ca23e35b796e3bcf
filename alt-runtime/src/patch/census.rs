//! Sites counted by cpucap, for a boot log.

use crate::cap::{CapSet, MAX_CAPS};
use crate::patch::decision::Decision;
use crate::patch::error::PlanError;
use crate::patch::records::Records;
use crate::patch::site::Record;
use crate::patch::states::States;
use crate::region::{Region, Table};

/// The sites of one cpucap.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Count {
    /// Sites with an arm that asks for the cpucap, present or absent.
    pub sites: u32,
    /// Sites whose winning arm begins with the cpucap.
    pub patched: u32,
}

/// The sites of every cpucap. A site with arms for two of them counts for both.
#[derive(Clone, Debug)]
pub struct Census {
    counts: [Count; MAX_CAPS],
    total: Count,
}

impl Census {
    /// Counts the sites of `region`, and those that are patched under `decision`.
    ///
    /// # Errors
    /// The first record whose condition cannot be read.
    pub fn new(region: &Region<'_>, decision: Decision<'_>) -> Result<Self, PlanError> {
        let mut census = Self {
            counts: [Count::default(); MAX_CAPS],
            total: Count::default(),
        };
        census.add(region.branches, decision)?;
        census.add(region.alternatives, decision)?;
        Ok(census)
    }

    fn add<R: Record>(
        &mut self,
        records: Table<'_, R>,
        decision: Decision<'_>,
    ) -> Result<(), PlanError> {
        let mut records = Records::new(records);
        let mut states = States::new();
        states.fill(decision);
        loop {
            let mut seen = CapSet::EMPTY;
            let Some(site) = records.next_site(decision.table, &states, |number| {
                if let Some(info) = decision.table.get(number) {
                    seen.insert(info.cap);
                }
            })?
            else {
                return Ok(());
            };
            self.total.sites += 1;
            self.total.patched += u32::from(site.chosen.is_some());
            for cap in &seen {
                self.counts[usize::from(cap.number())].sites += 1;
            }
            if let Some((_, record)) = site.chosen {
                let cap = usize::from(record.condition().cap());
                if let Some(count) = self.counts.get_mut(cap) {
                    count.patched += 1;
                }
            }
        }
    }

    /// The sites of all cpucaps together, each counted once.
    pub fn total(&self) -> Count {
        self.total
    }

    /// The sites of the cpucap with this number.
    pub fn get(&self, cap: u16) -> Count {
        self.counts
            .get(usize::from(cap))
            .copied()
            .unwrap_or_default()
    }
}
