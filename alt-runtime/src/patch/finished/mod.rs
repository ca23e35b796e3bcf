//! The plan of a pass over a finished table.
//!
//! For each bucket whose condition holds: compare the digest of its table, compute the new words,
//! and compare the digest of the words found at its sites. A word is planned before its digest is
//! known, which is safe: a plan with a wrong digest is an error, and nothing is written.
//!
//! | file | content |
//! |------|---------|
//! | verdict.rs | evaluates the condition of a bucket |
//! | pass.rs, sites.rs | checks a bucket and plans its words |
//! | refuse.rs | why a bucket is refused: a second look |

mod pass;
mod refuse;
mod sites;
mod verdict;

use core::mem::MaybeUninit;

use crate::cap::CapSet;
use crate::finished::{FinishedTable, TableError};
use crate::patch::decision::Decision;
use crate::patch::error::{PlanError, Reason};
use crate::patch::report::Report;
use crate::patch::walk::Walked;
use crate::record::Condition;
use crate::region::Region;
use crate::room::PlannedWrite;

use pass::{Inputs, Pass};
use sites::Planned;
pub(super) use verdict::holds;
use verdict::{is_done, judge};

/// Writes the entries of a plan to `room`: of each bucket the words in address order, bucket after
/// bucket. An earlier pass has patched the buckets whose cpucaps are all in `earlier`.
///
/// The first pass also checks the buckets that wait, so that no later pass is refused after this one
/// has written.
#[inline(never)]
pub(super) fn plan(
    table: &Result<FinishedTable<'_>, TableError>,
    region: &Region<'_>,
    decision: &Decision<'_>,
    earlier: &CapSet,
    is_first_pass: bool,
    room: &mut [MaybeUninit<PlannedWrite>],
) -> Result<Walked, PlanError> {
    let table = match table {
        Ok(table) => table,
        Err(error) => return Err(refuse_table(decision, region, *error)),
    };
    let header = table.header();
    let available = room.len();
    let inputs = Inputs {
        region,
        table,
        decision,
    };
    let mut pass = Pass {
        inputs,
        room,
        planned: Planned::default(),
        dictionary: None,
    };
    let (mut pending, mut applied) = (0_u32, 0_u32);
    for bucket in table.buckets() {
        let refuse = |term| decision.refuse(table.base(), term, Reason::UnknownCap);
        let verdict = judge(&bucket, decision).map_err(refuse)?;
        if !verdict.is_decided {
            pending = pending.saturating_add(bucket.entry().first);
            if is_first_pass {
                pass.look_at(bucket)?;
            }
        } else if verdict.holds {
            applied = applied.saturating_add(bucket.entry().sites);
            if !is_done(&bucket, earlier) {
                pass.bucket(bucket, true)?;
            }
        }
    }
    let Planned {
        words,
        without_room,
        sites,
    } = pass.planned;
    let needed = header.words as usize;
    if !is_first_pass && without_room != 0 {
        let reason = Reason::PlanTooSmall {
            room: available,
            needed,
        };
        return Err(decision.refuse(table.base(), Condition::from_bits(0), reason));
    }
    Ok(Walked {
        planned: if without_room == 0 { words } else { 0 },
        needed,
        report: Report {
            branches: header.branches,
            alternatives: header.alternatives,
            pending,
            applied,
            rewritten: sites,
            words: (words + without_room) as u32,
            lines: 0,
        },
    })
}

/// Refuses a table as a whole.
#[cold]
pub(super) fn refuse_table(
    decision: &Decision<'_>,
    region: &Region<'_>,
    error: TableError,
) -> PlanError {
    let reason = Reason::Finished {
        bucket: None,
        error,
    };
    decision.refuse(region.text.start(), Condition::from_bits(0), reason)
}
