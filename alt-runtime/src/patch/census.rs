//! The sites of a region, counted by cpucap for a boot log.

use crate::cap::{CapSet, MAX_CAPS};
use crate::finished::FinishedTable;
use crate::patch::decision::{Choice, Decision, States};
use crate::patch::error::PlanError;
use crate::patch::finished;
use crate::patch::site::{Arms, is_further};
use crate::record::Record;
use crate::region::{Region, Table};
use core::ops::Range;

/// The sites of one cpucap.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Count {
    /// Sites with an arm that tests the cpucap, present or absent.
    pub sites: u32,
    /// Sites whose winning arm begins with the cpucap.
    pub patched: u32,
}

/// The sites of every cpucap. A site with arms for two of them counts for both.
///
/// It takes 2 KB: put it into a static if the stack is small.
#[derive(Clone, Debug)]
pub struct Census {
    counts: [Count; MAX_CAPS],
    total: Count,
}

impl Census {
    /// Without any site.
    pub const EMPTY: Self = Self {
        counts: [Count {
            sites: 0,
            patched: 0,
        }; MAX_CAPS],
        total: Count {
            sites: 0,
            patched: 0,
        },
    };

    /// Adds the sites of `region` that begin in `sites`, for all `0..u64::MAX`, and those of them that are
    /// patched under `decision`.
    ///
    /// It takes at most 1.5 KB of stack in an optimised kernel (`cargo xtask sizes`).
    ///
    /// # Errors
    /// The first record whose condition cannot be read. The sites before it have been added.
    #[inline(never)]
    pub fn count(
        &mut self,
        region: &Region<'_>,
        decision: Decision<'_>,
        sites: Range<u64>,
    ) -> Result<(), PlanError> {
        match FinishedTable::of(region) {
            Some(Ok(table)) => self.add_finished(&table, &decision, sites),
            Some(Err(error)) => Err(finished::refuse_table(&decision, region, error)),
            None => {
                let part = region.within(sites);
                self.add(part.branches, decision)?;
                self.add(part.alternatives, decision)
            }
        }
    }

    /// Counts the sites of a finished table. One that is in several buckets counts in the first one,
    /// and in the others only as patched.
    // Out of line, as below, so that their stack is not added up.
    #[inline(never)]
    fn add_finished(
        &mut self,
        table: &FinishedTable<'_>,
        decision: &Decision<'_>,
        sites: Range<u64>,
    ) -> Result<(), PlanError> {
        for bucket in table.buckets() {
            let holds = finished::holds(&bucket, table, decision)?;
            let is_shared = bucket.entry().first != bucket.entry().sites;
            for (site, _) in bucket.sites(table.base()) {
                if !sites.contains(&site) {
                    continue;
                }
                let mut before = table.buckets().take(bucket.index() as usize);
                let is_further = is_shared
                    && before
                        .any(|other| other.sites(table.base()).any(|(other, _)| other == site));
                for (index, term) in bucket.terms().enumerate() {
                    if let Some(count) = self.counts.get_mut(usize::from(term.cap())) {
                        count.sites += u32::from(!is_further);
                        count.patched += u32::from(holds && index == 0);
                    }
                }
                self.total.sites += u32::from(!is_further);
                self.total.patched += u32::from(holds);
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn add<R: Record>(
        &mut self,
        records: Table<'_, R>,
        decision: Decision<'_>,
    ) -> Result<(), PlanError> {
        let mut states = States::NONE;
        states.fill(&decision);
        let (mut choice, mut tested) = (Choice::Default, CapSet::EMPTY);
        for arm in Arms::new(records) {
            if !is_further(&records, arm.at, arm.site) {
                let among = states.choose_among(&records, arm.at, arm.site);
                choice =
                    among.map_err(|(term, why)| decision.refuse(arm.site, term, why.into()))?;
                tested = CapSet::EMPTY;
                self.total.sites += 1;
            }
            let Some(info) = decision.table.get(arm.record.condition().cap()) else {
                continue;
            };
            let Some(count) = self.counts.get_mut(usize::from(info.cap.number())) else {
                continue;
            };
            let with = tested.with(info.cap);
            count.sites += u32::from(with != tested);
            tested = with;
            if choice.is_arm(arm.record) {
                count.patched += 1;
                self.total.patched += 1;
            }
        }
        Ok(())
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
