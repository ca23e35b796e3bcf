//! What one arm alone makes of its site.

use std::collections::HashMap;
use std::mem::MaybeUninit;

use alt_runtime::cap::{Cap, CapSet, CapTable, MAX_CAPS};
use alt_runtime::patch::{Decision, Plan, Reason};

use crate::names::NUMBERED;
use crate::records::{Arm, Kind};

use super::callbacks::with_answers;
use super::{Host, HostError};

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
    let mut room = [MaybeUninit::uninit(); MAX_WORDS];
    let (plan, _) = with_answers(HashMap::new(), || Plan::new(&region, decision, &mut room));
    let plan = plan.map_err(|error| ArmError::Refused(error.reason))?;
    if plan.report().applied == 0 {
        return Err(ArmError::NeverHolds);
    }
    let record = arm.record();
    if let Kind::Callback { .. } = record.kind {
        return Ok(Becomes::Computed);
    }
    let start = region.text.range().start;
    let mut words: Vec<_> = (record.site..)
        .step_by(4)
        .take(record.site_len as usize / 4)
        .map_while(|address| region.text.get(address))
        .map(|word| word.0)
        .collect();
    for write in plan.writes() {
        let index = (start + u64::from(write.offset)).wrapping_sub(record.site) / 4;
        let place = usize::try_from(index).ok();
        if let Some(word) = place.and_then(|index| words.get_mut(index)) {
            *word = write.after().0;
        }
    }
    Ok(Becomes::Words(words))
}
