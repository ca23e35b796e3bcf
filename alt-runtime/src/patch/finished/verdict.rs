//! The condition of a bucket, evaluated.

use crate::cap::CapSet;
use crate::finished::{Bucket, FinishedTable, Term};
use crate::patch::decision::Decision;
use crate::patch::error::{PlanError, Reason};
use crate::record::Condition;

/// A condition, evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    /// All cpucaps that it names are decided. If not, a later pass decides.
    pub is_decided: bool,
    /// All of its terms hold.
    pub holds: bool,
}

/// Evaluates the condition of `bucket`. As for raw tables, the sites wait while one of the cpucaps
/// that their arms test is not decided, whether or not the others suffice.
///
/// # Errors
/// The term whose cpucap the table of cpucaps does not have.
#[inline(always)]
pub(super) fn judge(bucket: &Bucket<'_>, decision: &Decision<'_>) -> Result<Verdict, Condition> {
    let (mut is_decided, mut holds) = (true, true);
    let mut look_at = |term: Term| {
        let cap = term.cap();
        if usize::from(cap) >= decision.table.len() {
            return Err(Condition::from_bits(cap));
        }
        is_decided &= decision.decided.contains_number(cap);
        let is_present = decision.present.contains_number(cap);
        holds &= term.is_either() || is_present != term.is_negated();
        Ok(())
    };
    // Most conditions have one term.
    look_at(bucket.entry().term)?;
    bucket.further_terms().try_for_each(look_at)?;
    Ok(Verdict { is_decided, holds })
}

/// Whether the condition of `bucket` holds.
///
/// # Errors
/// The table of cpucaps does not have a cpucap of it.
pub(in crate::patch) fn holds(
    bucket: &Bucket<'_>,
    table: &FinishedTable<'_>,
    decision: &Decision<'_>,
) -> Result<bool, PlanError> {
    match judge(bucket, decision) {
        Ok(verdict) => Ok(verdict.is_decided && verdict.holds),
        Err(term) => Err(decision.refuse(table.base(), term, Reason::UnknownCap)),
    }
}

/// Whether an earlier pass, which knew the cpucaps `decided`, has patched the sites of `bucket`.
pub(super) fn is_done(bucket: &Bucket<'_>, decided: &CapSet) -> bool {
    bucket
        .terms()
        .all(|term| decided.contains_number(term.cap()))
}

/// The first term of a bucket, in the form that a record has.
pub(super) fn condition(bucket: &Bucket<'_>) -> Condition {
    Condition::from_bits(bucket.entry().term.cap())
}
