//! docs/errors.md.

use alt_runtime::boot::FinaliseError;
use alt_runtime::patch::PatchError;

/// Prints numbers.
fn put(_code: u16, _site: u64) {}

fn log<A>(why: &FinaliseError<A>) {
    match why {
        FinaliseError::Patch(PatchError::Plan(plan)) => put(plan.reason.code(), plan.site),
        _ => put(why.code(), 0),
    }
}
