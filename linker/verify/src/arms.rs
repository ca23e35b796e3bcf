//! Sites after applying each arm.

use std::ops::Range;

use alt_image::names::ANY_CAP;
use alt_image::patching::{Host, planned};
use alt_runtime::cap::{Cap, CapSet};
use alt_runtime::patch::Decision;
use alt_runtime::record::{AlternativeRecord, BranchRecord, Condition};
use alt_runtime::region::{Region, Table};

/// A site after applying one of its arms. Results of callbacks are unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedArm {
    /// The address of the site.
    pub site: u64,
    /// The cpucap of the arm's first record.
    pub cap: u16,
    /// The instructions in the image.
    pub default: Vec<u32>,
    /// The same number of instructions after applying the arm.
    pub words: Vec<u32>,
    /// The addresses of the instructions of the arm; empty for NOPs and branches.
    pub replacement: Range<u64>,
}

impl MovedArm {
    /// Address, old and new instruction.
    pub fn changes(&self) -> impl Iterator<Item = (u64, u32, u32)> + '_ {
        let words = self.default.iter().zip(&self.words);
        (self.site..)
            .step_by(4)
            .zip(words)
            .map(|(at, (old, new))| (at, *old, *new))
    }

    /// The addresses of the site.
    pub fn range(&self) -> Range<u64> {
        self.site..self.site + 4 * self.words.len() as u64
    }
}

/// All arms that the patcher would apply, by site, in the order of its tables.
pub(crate) fn moved(host: &Host) -> Vec<MovedArm> {
    let mut arms = Vec::new();
    for (_, region) in host.each_site() {
        of_branches(&region, &mut arms);
        of_alternatives(&region, &mut arms);
    }
    arms.sort_by_key(|arm| arm.site);
    arms
}

/// The condition that always holds in [`arm`], of the same kind.
const fn always(condition: Condition) -> Condition {
    // Both records use the same bit for the kind.
    let kind = if condition.is_likely() {
        Condition::LIKELY
    } else {
        0
    };
    Condition::from_bits(kind)
}

fn of_branches(region: &Region<'_>, arms: &mut Vec<MovedArm>) {
    for (at, record) in region.branches.iter() {
        let one = [BranchRecord {
            condition: always(record.condition),
            ..*record
        }];
        let alone = Region {
            branches: Table::new(at, &one),
            alternatives: Table::new(0, &[]),
            ..*region
        };
        let (site, cap) = (record.site_address(at), record.condition.cap());
        arms.extend(arm(&alone, site, 1, cap, 0..0));
    }
}

fn of_alternatives(region: &Region<'_>, arms: &mut Vec<MovedArm>) {
    let mut goes_on = false;
    for (at, record) in region.alternatives.iter() {
        // The first record of a conjunction has the replacement.
        let first = !std::mem::replace(&mut goes_on, record.condition.and_next());
        let is_callback = record.condition.is_callback();
        if !first || (is_callback && record.replacement_len != 0) {
            continue;
        }
        let one = [AlternativeRecord {
            condition: always(record.condition),
            ..*record
        }];
        let alone = Region {
            branches: Table::new(0, &[]),
            alternatives: Table::new(at, &one),
            ..*region
        };
        let start = record.replacement_address(at);
        let replacement = match is_callback {
            true => 0..0,
            false => start..start.wrapping_add(4 * u64::from(record.replacement_len)),
        };
        let (site, cap) = (record.site_address(at), record.condition.cap());
        arms.extend(arm(&alone, site, record.site_len, cap, replacement));
    }
}

/// Plans the only site of a region; `None` if the patcher refuses it.
fn arm(
    region: &Region<'_>,
    site: u64,
    len: u8,
    cap: u16,
    replacement: Range<u64>,
) -> Option<MovedArm> {
    let present = CapSet::new().with(Cap::new(0, true));
    let decision = Decision {
        table: &ANY_CAP,
        present: &present,
        decided: &CapSet::ALL,
    };
    let planned = planned(region, decision, site, len.into()).ok()?;
    Some(MovedArm {
        site,
        cap,
        default: planned.before,
        words: planned.after,
        replacement,
    })
}
