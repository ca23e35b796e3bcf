//! The result of applying one arm.

use std::collections::HashMap;
use std::mem::MaybeUninit;

use alt_runtime::cap::{Cap, CapSet, MAX_CAPS};
use alt_runtime::patch::{Decision, Plan, PlanError, Reason};
use alt_runtime::region::Region;

use super::callbacks::with_answers;
use super::error::HostError;
use super::host::Host;
use crate::names::ANY_CAP;
use crate::records::{Arm, Kind};

/// The length of the longest site in words.
const MAX_WORDS: usize = u8::MAX as usize;

/// An arm that the patcher cannot apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArmError {
    /// The record cannot be given to the patcher.
    #[error(transparent)]
    LeftOut(#[from] HostError),
    /// The patcher refuses it.
    #[error("{0}")]
    Refused(Reason),
    /// Its terms contradict each other.
    #[error("the condition never holds")]
    NeverHolds,
}

/// The site after applying an arm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// These words.
    Words(Vec<u32>),
    /// The words that a callback computes in the running kernel.
    Computed,
}

/// Applies `arm` alone to its site, with the padding and the relocated branches that the patcher
/// writes.
///
/// # Errors
/// The patcher refuses the arm, as it would at boot; or no system can satisfy its condition.
pub fn becomes(host: &Host, arm: &Arm<'_>) -> Result<Becomes, ArmError> {
    let region = host.region_of(arm)?;
    let terms = arm.records().iter().map(|record| record.term);
    let present: CapSet = terms
        .filter(|term| !term.negated && usize::from(term.cap) < MAX_CAPS)
        .map(|term| Cap::new(term.cap, true))
        .collect();
    // The names of cpucaps do not matter here, so the table has every number.
    let decision = Decision {
        table: &ANY_CAP,
        present: &present,
        decided: &CapSet::ALL,
    };
    let (record, len) = (arm.record(), arm.record().site_len / 4);
    let (planned, _) = with_answers(HashMap::new(), || {
        planned(&region, decision, record.site, len as usize)
    });
    let planned = planned.map_err(|error| ArmError::Refused(error.reason))?;
    match record.kind {
        _ if !planned.applies => Err(ArmError::NeverHolds),
        Kind::Callback { .. } => Ok(Becomes::Computed),
        _ => Ok(Becomes::Words(planned.after)),
    }
}

/// The words of a site before and after a plan.
pub struct Planned {
    /// The words of the site in the file.
    pub before: Vec<u32>,
    /// The words after patching.
    pub after: Vec<u32>,
    /// Whether an arm applies.
    pub applies: bool,
}

/// Plans the only site of a region; the site has `len` words.
pub fn planned(
    region: &Region<'_>,
    decision: Decision<'_>,
    site: u64,
    len: usize,
) -> Result<Planned, PlanError> {
    let mut room = [MaybeUninit::uninit(); MAX_WORDS];
    let plan = Plan::new(region, decision, &mut room)?;
    let before: Vec<u32> = (site..)
        .step_by(4)
        .take(len)
        .map_while(|address| region.text.get(address))
        .map(|word| word.0)
        .collect();
    let mut after = before.clone();
    let start = region.text.range().start;
    for write in plan.writes() {
        let offset = (start + u64::from(write.offset)).wrapping_sub(site);
        let index = usize::try_from(offset / 4).ok();
        if let Some(word) = index.and_then(|index| after.get_mut(index)) {
            *word = write.after().0;
        }
    }
    Ok(Planned {
        before,
        after,
        applies: plan.report().applied != 0,
    })
}
