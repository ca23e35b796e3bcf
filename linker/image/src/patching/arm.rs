//! What one arm alone makes of its site.

use std::collections::HashMap;
use std::mem::MaybeUninit;

use alt_runtime::cap::{Cap, CapSet, CapTable, MAX_CAPS};
use alt_runtime::patch::{Decision, Plan, PlanError, Reason};
use alt_runtime::region::Region;

use super::callbacks::with_answers;
use super::error::HostError;
use super::host::Host;
use crate::names::NUMBERED;
use crate::records::{Arm, Kind};

/// The words of the longest site.
const MAX_WORDS: usize = u8::MAX as usize;

/// An arm that the patcher cannot apply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArmError {
    /// The record cannot even be given to the patcher.
    #[error(transparent)]
    LeftOut(#[from] HostError),
    /// The patcher refuses it.
    #[error("{0}")]
    Refused(Reason),
    /// Its terms exclude each other.
    #[error("the condition never holds")]
    NeverHolds,
}

/// What an arm makes of its site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// These words.
    Words(Vec<u32>),
    /// What a callback computes, once the kernel runs.
    Computed,
}

/// What the patcher makes of the site of `arm` where that arm wins: padding and moved branches
/// are as they will be at the site.
///
/// # Errors
/// The patcher refuses the arm, as it would at boot; or no system has what it asks for.
pub fn becomes(host: &Host, arm: &Arm<'_>) -> Result<Becomes, ArmError> {
    let region = host.region_of(arm)?;
    let terms = arm.records().iter().map(|record| record.term);
    let present: CapSet = terms
        .filter(|term| !term.negated && usize::from(term.cap) < MAX_CAPS)
        .map(|term| Cap::new(term.cap, true))
        .collect();
    // What cpucaps there are is not asked here, so every number has a place.
    let any = CapTable::new(&NUMBERED);
    let decision = Decision {
        table: &any,
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

/// The words of a site, and what a plan makes of them.
pub struct Planned {
    /// The words of the site in the file.
    pub before: Vec<u32>,
    /// The words after patching.
    pub after: Vec<u32>,
    /// A record holds.
    pub applies: bool,
}

/// Plans the only site of a region, which has `len` words.
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
