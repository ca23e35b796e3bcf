//! The result of the patcher's check of each site.

use alt_image::names::{CapNames, numbered_table};
use alt_image::patching::{Host, HostError, Problem};
use alt_runtime::cap::{CapTable, MAX_CAPS};
use alt_runtime::patch::{self, PlanError};

/// The sites that the patcher would refuse.
#[derive(Debug)]
pub struct Refusals {
    /// The first error of each site, independent of the CPU.
    pub by_patcher: Vec<PlanError>,
    /// Linux records that cannot be converted: their site, and the reason.
    pub problems: Vec<(u64, Problem)>,
}

impl Refusals {
    /// Checks each site alone, so that one error does not hide another.
    pub(crate) fn new(host: &Host, names: &CapNames) -> Self {
        let table = table(names);
        let each = host.each_site();
        let problem = |error: &HostError| match error {
            HostError::Record { site, problem, .. } => Some((*site, *problem)),
            _ => None,
        };
        Self {
            by_patcher: each
                .filter_map(|(_, region)| patch::check(&region, table).err())
                .collect(),
            problems: host.left_out().iter().filter_map(problem).collect(),
        }
    }

    /// Whether the site at this address has been refused.
    pub fn has(&self, site: u64) -> bool {
        self.by_patcher.iter().any(|error| error.site == site)
            || self.problems.iter().any(|(address, _)| *address == site)
    }
}

/// The cpucaps with a name or, without names, the largest possible number.
fn table(names: &CapNames) -> &'static CapTable {
    numbered_table(match names.len() {
        0 => MAX_CAPS,
        len => len,
    })
}
