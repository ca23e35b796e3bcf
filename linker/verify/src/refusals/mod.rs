//! The result of the patcher's check of each site.

mod kind;

use std::collections::{BTreeMap, BTreeSet};

use alt_image::names::{CapNames, numbered_table};
use alt_image::patching::{Host, HostError};
use alt_runtime::cap::{CapTable, MAX_CAPS};
use alt_runtime::patch;

pub use kind::RefusalKind;

/// A site that the patcher would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The address of the site.
    pub site: u64,
    /// The cpucap of the record, if the patcher has read the record.
    pub cap: Option<u16>,
    /// The reason, in the patcher's words.
    pub reason: String,
}

/// The sites that the patcher would refuse, by the kind of the reason.
#[derive(Debug, Default)]
pub struct Refusals {
    by_kind: BTreeMap<RefusalKind, Vec<Refusal>>,
    sites: BTreeSet<u64>,
}

impl Refusals {
    /// Checks each site alone, so that one error does not hide another. The error of a site is its
    /// first one, independent of the CPU.
    pub(crate) fn new(host: &Host, names: &CapNames) -> Self {
        let table = table(names);
        let mut refusals = Self::default();
        for (_, region) in host.each_site() {
            if let Err(error) = patch::check(&region, table) {
                let refusal = Refusal {
                    site: error.site,
                    cap: Some(error.cap),
                    reason: error.reason.to_string(),
                };
                refusals.add(RefusalKind::of_reason(&error.reason), refusal);
            }
        }
        // Linux records that cannot be converted.
        for error in host.left_out() {
            if let HostError::Record { site, problem, .. } = error {
                let refusal = Refusal {
                    site: *site,
                    cap: None,
                    reason: problem.to_string(),
                };
                refusals.add(RefusalKind::of_problem(problem), refusal);
            }
        }
        refusals
    }

    /// One refusal, as if a site had it.
    #[cfg(test)]
    pub(crate) fn one(kind: RefusalKind, refusal: Refusal) -> Self {
        let mut refusals = Self::default();
        refusals.add(kind, refusal);
        refusals
    }

    fn add(&mut self, kind: RefusalKind, refusal: Refusal) {
        self.sites.insert(refusal.site);
        self.by_kind.entry(kind).or_default().push(refusal);
    }

    /// The sites that are refused for a reason of this kind.
    pub fn of(&self, kind: RefusalKind) -> &[Refusal] {
        self.by_kind.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// Whether the site at this address has been refused.
    pub fn has(&self, site: u64) -> bool {
        self.sites.contains(&site)
    }
}

/// The cpucaps with a name or, without names, the largest possible number.
fn table(names: &CapNames) -> &'static CapTable {
    numbered_table(match names.len() {
        0 => MAX_CAPS,
        len => len,
    })
}
