//! A pass over a table: the plan of a first and of a later pass, and the commit.

use core::convert::Infallible;
use core::mem::{self, MaybeUninit};

use alt_runtime::cap::{CapSet, IdRegs};
use alt_runtime::patch::{Decision, PatchError, Plan, PlanError, Report};
use alt_runtime::region::{Region, Text};
use alt_runtime::{Image, Maintenance, PlannedWrite};

use crate::case::Case;
use crate::checks::cpucaps::TABLE;
use crate::counter::{count, report};
use flat_guest::Alias;

/// State that the steps pass on.
struct Steps<'c> {
    region: &'c Region<'c>,
    decision: Decision<'c>,
    room: &'c mut [MaybeUninit<PlannedWrite>],
    how: Maintenance,
    plan: Option<Result<Plan<'c>, PlanError>>,
    result: Option<Result<Report, PatchError<Infallible>>>,
}

/// Plans as the first pass does, which checks every arm.
extern "C" fn plan_first(steps: &mut Steps<'_>) {
    let mut image = Image::of_region(*steps.region, &mut *steps.room);
    if let Err(why) = image.plan_first_pass(steps.decision) {
        steps.result = Some(Err(why));
    }
}

extern "C" fn plan(steps: &mut Steps<'_>) {
    let room = mem::take(&mut steps.room);
    steps.plan = Some(Plan::new(steps.region, steps.decision, room));
}

extern "C" fn commit(steps: &mut Steps<'_>) {
    steps.result = Some(match steps.plan.take() {
        // SAFETY: the plan was made for this region, which is never executed; only one CPU runs.
        Some(Ok(plan)) => unsafe { plan.commit(steps.region, &steps.how, &mut Alias) },
        Some(Err(why)) => Err(PatchError::Plan(why)),
        None => return,
    });
}

/// Counts the steps of a pass over the table of `case`.
pub fn run(case: Case) {
    let Case {
        region,
        room,
        present,
    } = case;
    let mut steps = Steps {
        region: &region,
        decision: Decision {
            table: &TABLE,
            present: &present,
            decided: &CapSet::ALL,
        },
        room,
        how: Maintenance::new(&IdRegs::read()),
        plan: None,
        result: None,
    };
    report("pass first plan", count(plan_first, &mut steps));
    if let Some(Err(why)) = steps.result {
        panic!("{why}");
    }
    report("pass plan", count(plan, &mut steps));
    report("pass commit", count(commit, &mut steps));
    match steps.result {
        Some(Ok(done)) => {
            report("pass applied", done.applied.into());
            report("pass rewritten", done.rewritten.into());
            report("pass sites", done.sites().into());
            report("pass words", done.words.into());
            report("pass lines", done.lines.into());
        }
        Some(Err(why)) => panic!("{why}"),
        None => panic!("there was no plan"),
    }
    report("pass text", digest(&region.text));
}

/// FNV-1a over whole words; the host compares it with the digest of the expected text.
fn digest(text: &Text<'_>) -> u64 {
    let mut digest: u64 = 0xcbf2_9ce4_8422_2325;
    for address in text.range().step_by(4) {
        let word = text.get(address).map_or(0, |word| word.0);
        digest = (digest ^ u64::from(word)).wrapping_mul(0x100_0000_01b3);
    }
    digest
}
