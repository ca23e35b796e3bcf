//! The last phase: all cpucaps are final.

use crate::arch::Maintenance;
use crate::cap::{
    Cap, CapSet, Conflict, CpuVerdict, Difference, Enable, FinalCaps, IdRegs, run_hooks,
};
use crate::patch::{Decision, Report};
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
use crate::{
    patch::{PatchError, Plan, WritableAlias},
    region::Region,
    room::PlannedWrite,
};
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
use core::mem::MaybeUninit;
#[cfg(all(
    feature = "shadow-call-stack",
    any(all(target_arch = "aarch64", target_os = "none"), doc)
))]
use {
    crate::shadow_call_stack::{ShadowError, ShadowPlan, ShadowReport, UnwindInfo, is_wanted},
    core::ops::Range,
};

/// The text is patched for the cpucaps of the whole system.
#[derive(Clone, Debug)]
pub struct Finalised {
    decided: FinalCaps,
    maintenance: Maintenance,
    report: Report,
}

impl Finalised {
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    pub(super) const fn new(decided: FinalCaps, maintenance: Maintenance, report: Report) -> Self {
        Self {
            decided,
            maintenance,
            report,
        }
    }

    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    pub(super) const fn final_caps(&self) -> &FinalCaps {
        &self.decided
    }

    /// Whether the system has `cap`. In a hot path use [`cpu_has_cap!`](crate::cpu_has_cap!),
    /// which is one instruction.
    pub fn has(&self, cap: Cap) -> bool {
        self.caps().contains(cap)
    }

    /// Whether the text is patched for `cap`. In this phase, this is whether the system has it.
    pub fn is_applied(&self, cap: Cap) -> bool {
        self.has(cap)
    }

    /// The cpucaps of the system.
    pub fn caps(&self) -> &CapSet {
        self.decided.caps()
    }

    /// The ID registers of the system, sanitised over all early CPUs. MIDR_EL1 and REVIDR_EL1 are
    /// 0 if the CPUs differ.
    pub fn ids(&self) -> &IdRegs {
        self.decided.ids()
    }

    /// The final decision, for patching another region.
    pub fn decision(&self) -> Decision<'_> {
        Decision {
            table: self.decided.table(),
            present: self.decided.caps(),
            decided: &CapSet::ALL,
        }
    }

    /// The cache maintenance that suits all early CPUs.
    pub fn maintenance(&self) -> Maintenance {
        self.maintenance
    }

    /// Runs the hooks of the cpucaps that the last pass decided. Call it on each early CPU with
    /// the CPU's own registers, after the CPU has left the rendezvous.
    pub fn enable(&self, hooks: &[Enable], ids: &IdRegs) {
        run_hooks(hooks, &self.decided.later_caps(), ids);
    }

    /// Runs the hooks of all cpucaps. Call it on each late CPU with the CPU's own registers,
    /// after [`late_cpu`](Self::late_cpu) has accepted it.
    pub fn enable_late(&self, hooks: &[Enable], ids: &IdRegs) {
        run_hooks(hooks, self.caps(), ids);
    }

    /// The fields in which a CPU with the registers `ids` differs from the boot CPU although they
    /// should agree. Log each one, even if the verdict is `Ok`.
    pub fn differences<'a>(
        &'a self,
        ids: &'a IdRegs,
    ) -> impl Iterator<Item = Difference> + use<'a> {
        self.decided.differences(ids)
    }

    /// Judges a late CPU by the ID registers `ids` that it read itself.
    ///
    /// It takes at most 2 KB of stack in an optimised kernel, and what custom rules take
    /// (`cargo xtask sizes`).
    #[inline(never)]
    pub fn late_cpu(&self, ids: &IdRegs) -> CpuVerdict {
        judge_late(&self.decided, self.maintenance, ids)
    }

    /// The report of the last pass.
    pub fn report(&self) -> Report {
        self.report
    }

    /// Patches the region of a module, or of code at another address, for the final cpucaps:
    /// plans, commits and verifies. It needs no rendezvous, since no CPU executes the region yet.
    ///
    /// It takes at most 2 KB of stack in an optimised kernel for raw tables, 3 KB with the feature
    /// `finished-tables`, and what the callbacks and the alias take (`cargo xtask sizes`).
    ///
    /// `room` must hold one entry for each word of each site, as for [`Plan::new`]; the region's
    /// section `alt_plan_size` has this size. The callbacks of `region` are those of the kernel's
    /// image, or an empty table.
    ///
    /// A module loader does the following:
    ///
    /// 1. Map the text of the module readable and writable, not executable.
    /// 2. Copy and relocate it.
    /// 3. Call this function. The alias is the text itself, and makes it read-only when it is
    ///    closed.
    /// 4. [`sync`] the whole text: this function makes only the lines of patched words visible to
    ///    instruction fetch.
    /// 5. Make the text executable.
    ///
    /// An image, such as a hypervisor's, may run at addresses other than those at which it is
    /// mapped now. [`Words`](crate::region::Words) has both. Words are read back, and cache lines
    /// are maintained, at the address of the current mapping. If the instruction cache of a CPU is
    /// not PIPT, the whole cache is invalidated, including lines of the other address.
    ///
    /// Available for the target `aarch64` with `target_os = "none"`.
    ///
    /// [`sync`]: crate::Maintenance::sync
    ///
    /// # Errors
    /// A record cannot be applied, or the alias failed. The region is unchanged. Do not execute it
    /// if its default instructions are not sufficient.
    ///
    /// # Safety
    /// The words of `region` are mapped readable, and nothing else changes them. No CPU executes
    /// its text during the call. A CPU that executes it later executes an ISB first, unless it
    /// cannot have fetched from these addresses before.
    #[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
    #[inline(never)]
    pub unsafe fn patch_region<A: WritableAlias>(
        &self,
        region: &Region<'_>,
        room: &mut [MaybeUninit<PlannedWrite>],
        alias: &mut A,
    ) -> Result<Report, PatchError<A::Error>> {
        let plan = Plan::new(region, self.decision(), room).map_err(PatchError::Plan)?;
        // SAFETY: the plan was just made for this region; the caller's promise.
        unsafe { plan.commit(region, &self.maintenance(), alias) }
    }

    /// Gives `region` a shadow call stack if the system [needs](is_wanted) one: plans, commits
    /// and verifies. Returns `None` if it does not; the tables are not read then.
    ///
    /// For the kernel's own text, call this after the last pass, before the other CPUs are started
    /// or while they are stopped; for a module, after it has been patched. `room` is separate from
    /// the room of the pass. [`ShadowPlan::new`] describes the arguments.
    ///
    /// Available for the target `aarch64` with `target_os = "none"`.
    ///
    /// # Errors
    /// The unwind tables cannot be used, or the text could not be patched. The region is
    /// unchanged and may be executed, with unprotected return addresses.
    ///
    /// # Safety
    /// As for [`ShadowPlan::commit`].
    #[cfg(all(
        feature = "shadow-call-stack",
        any(all(target_arch = "aarch64", target_os = "none"), doc)
    ))]
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
        // SAFETY: the plan was just made for this region; the caller's promise.
        let report = unsafe { plan.commit(region, &how, alias) };
        report.map(Some).map_err(ShadowError::Patch)
    }
}

/// The verdict on a CPU that comes online after the last pass.
pub(super) fn judge_late(
    decided: &FinalCaps,
    maintenance: Maintenance,
    ids: &IdRegs,
) -> CpuVerdict {
    match decided.late_cpu(ids) {
        // Modules are patched with the maintenance of the early CPUs, which must suit this CPU as
        // well. An erratum of its caches need not show in CTR_EL0.
        CpuVerdict::Ok if maintenance.also_for(ids) != maintenance => {
            CpuVerdict::ParkCpu(Conflict::Maintenance)
        }
        verdict => verdict,
    }
}
