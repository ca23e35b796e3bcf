//! What the patcher itself says of each site.

use alt_image::names::{CapNames, NUMBERED};
use alt_image::patching::{Host, HostError, Problem};
use alt_runtime::cap::{CapTable, MAX_CAPS};
use alt_runtime::patch::{self, PlanError};

/// The sites that the patcher would refuse.
#[derive(Debug)]
pub struct Refusals {
    /// The first thing wrong with each, whatever CPU the image runs on.
    pub by_patcher: Vec<PlanError>,
    /// Records of Linux's that cannot be said in the patcher's terms: their site, and why.
    pub problems: Vec<(u64, Problem)>,
}

impl Refusals {
    /// Asks the patcher about each site alone, so that one does not hide another.
    pub(crate) fn new(host: &Host, names: &CapNames) -> Self {
        let table = table(names);
        let each = host.each_site();
        let problem = |error: &HostError| match error {
            HostError::Record { site, problem, .. } => Some((*site, *problem)),
            _ => None,
        };
        Self {
            by_patcher: each
                .filter_map(|(_, region)| patch::check(&region, &table).err())
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

/// As many cpucaps as have a name; where none has, as many as there can be.
fn table(names: &CapNames) -> CapTable {
    let count = match names.len() {
        0 => MAX_CAPS,
        len => len.min(MAX_CAPS),
    };
    CapTable::new(&NUMBERED[..count])
}

/// As many cpucaps as there can be.
pub(crate) fn any_cap() -> CapTable {
    CapTable::new(&NUMBERED)
}
