//! Commit: the text gets its shadow call stack.

use core::fmt;
use core::mem::MaybeUninit;
use core::ops::Range;

use super::{ShadowPlan, ShadowReport, UnwindError, UnwindInfo, is_wanted};
use crate::arch::Maintenance;
use crate::boot::Finalised;
use crate::patch::{PatchError, WritableAlias};
use crate::region::Region;
use crate::room::PlannedWrite;

/// Why there is no shadow call stack. The text is as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ShadowError<A> {
    /// The unwind tables cannot be followed.
    Unwind(UnwindError),
    /// The text could not be patched.
    Patch(PatchError<A>),
}

impl<A: fmt::Display> fmt::Display for ShadowError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwind(error) => error.fmt(f),
            Self::Patch(error) => error.fmt(f),
        }
    }
}

impl<A: fmt::Debug + fmt::Display> core::error::Error for ShadowError<A> {}

impl ShadowPlan<'_> {
    /// Writes the plan through `alias`, does the cache maintenance, and reads every word back
    /// where it is executed.
    ///
    /// # Errors
    /// The alias could not be opened, or a word did not read back; in both cases the text is as it
    /// was before.
    ///
    /// # Safety
    /// As for [`Plan::commit`](crate::patch::Plan::commit), and besides, of whatever executes one
    /// of the sites afterwards, on each CPU:
    ///
    /// - x18 points to a shadow stack of its own, writable and large enough, and whoever changes
    ///   stacks, takes an exception or changes the exception level takes x18 along;
    /// - nothing that it calls or is interrupted by uses x18 for anything else. The prebuilt
    ///   `core` does;
    /// - no function with a site is on any call stack now: it has not pushed, and would pop. This
    ///   goes for the callers of this function, too.
    pub unsafe fn commit<A: WritableAlias>(
        self,
        region: &Region<'_>,
        how: &Maintenance,
        alias: &mut A,
    ) -> Result<ShadowReport, PatchError<A::Error>> {
        let Self { plan, mut report } = self;
        // SAFETY: the plan is of this region, and the caller promises the rest.
        report.lines = unsafe { plan.commit(region, how, alias) }?.lines;
        Ok(report)
    }
}

impl Finalised {
    /// Gives `region` a shadow call stack where the system [wants](is_wanted) one: plan, commit,
    /// verify. `None` if it does not; then nothing has been looked at.
    ///
    /// For the kernel's own text, this comes right after the last pass, while the other CPUs are
    /// not started yet or still held; for a module, when it has been patched. `room` is not that
    /// of the pass: see [`ShadowPlan::new`], which has the other arguments as well.
    ///
    /// # Errors
    /// What was wrong. The region is as it was, and may be executed: no return address is
    /// protected then.
    ///
    /// # Safety
    /// As for [`ShadowPlan::commit`].
    pub unsafe fn shadow_call_stack<A: WritableAlias>(
        &self,
        region: &Region<'_>,
        unwind: UnwindInfo<'_>,
        excluded: &[Range<u64>],
        room: &mut [MaybeUninit<PlannedWrite>],
        alias: &mut A,
    ) -> Result<Option<ShadowReport>, ShadowError<A::Error>> {
        if !is_wanted(self.ids()) {
            return Ok(None);
        }
        let plan = ShadowPlan::new(region, unwind, excluded, room).map_err(ShadowError::Unwind)?;
        let how = self.maintenance();
        // SAFETY: the plan is of this region, made just now; the caller's promise.
        let report = unsafe { plan.commit(region, &how, alias) };
        report.map(Some).map_err(ShadowError::Patch)
    }
}
