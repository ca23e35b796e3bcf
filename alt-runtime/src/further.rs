//! Further regions: modules, and images seen at another address.
//!
//! What is decided stays decided, so a text that comes later is patched before
//! anyone executes it, alone, without a rendezvous.

use core::mem::MaybeUninit;

use crate::boot::Finalised;
use crate::patch::{PatchError, Plan, Report, WritableAlias};
use crate::region::Region;
use crate::room::PlannedWrite;

impl Finalised {
    /// Patches a further region by the cpucaps that are final: plan, commit, verify.
    ///
    /// `room` must hold one entry for each word of each site, as for
    /// [`Plan::new`]; the region's own section `alt_plan_size` is of that size. The
    /// callbacks of `region` are those of the kernel's image, or none.
    ///
    /// What a loader of modules does: map the module's text readable and writable and
    /// not executable; copy and link it; call this, with an alias that is the text
    /// itself and makes it read-only when it is closed; [`sync`] the whole text, since
    /// this makes only the lines of patched words visible to instruction fetch; make
    /// the text executable.
    ///
    /// An image may run at other addresses than those where it is mapped for this CPU, a
    /// hypervisor's for one: the region's [`Words`](crate::region::Words) tell the two
    /// apart. Words are read back, and cache lines maintained, where they are mapped
    /// now. Where the instruction cache of a CPU is not PIPT, all of it is
    /// invalidated, and with it the lines of the other address.
    ///
    /// [`sync`]: crate::Maintenance::sync
    ///
    /// # Errors
    /// What was wrong. The region is as it was, and must not be executed if its
    /// default text does not do.
    ///
    /// # Safety
    /// The words of `region` must be mapped readable and be changed by no one else, and
    /// no CPU may execute its text during the call; one that does so later must execute
    /// an ISB first, unless it could not have fetched from there before.
    pub unsafe fn patch_region<A: WritableAlias>(
        &self,
        region: &Region<'_>,
        room: &mut [MaybeUninit<PlannedWrite>],
        alias: &mut A,
    ) -> Result<Report, PatchError<A::Error>> {
        let plan = Plan::new(region, self.decision(), room).map_err(PatchError::Plan)?;
        // SAFETY: the plan is of this region, made just now; the caller's promise.
        unsafe { plan.commit(region, &self.maintenance(), alias) }
    }
}
