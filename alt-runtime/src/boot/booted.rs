//! The second phase: the sites of boot scope are patched.

use crate::arch::Maintenance;
use crate::cap::{
    Cap, CapSet, CpuVerdict, Difference, Enable, FinalCaps, IdRegs, SystemView, run_hooks,
};
use crate::patch::{Decision, Report};
#[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
use crate::{
    boot::{FinaliseError, Finalised},
    image::Image,
    patch::{PatchError, Plan, WritableAlias},
    rendezvous::Stopped,
};

use super::finalised::judge_late;

/// The text is patched for the boot CPU's cpucaps of boot scope; other CPUs may come online.
#[derive(Debug)]
pub struct Booted {
    view: SystemView,
    /// Set by the last pass. A CPU that is added afterwards is a late CPU.
    finalised: Option<FinalCaps>,
    maintenance: Maintenance,
    /// The cpucaps of boot scope.
    decided: CapSet,
    report: Report,
}

impl Booted {
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    pub(super) const fn new(
        view: SystemView,
        maintenance: Maintenance,
        decided: CapSet,
        report: Report,
    ) -> Self {
        Self {
            view,
            finalised: None,
            maintenance,
            decided,
            report,
        }
    }

    /// Judges a CPU that has come online by the ID registers `ids` that it read itself. If the
    /// verdict is [`CpuVerdict::Ok`], the CPU counts for the cpucaps of the system. After the last
    /// pass, it is judged as a late CPU.
    ///
    /// It takes at most 2 KB of stack in an optimised kernel, and what custom rules take
    /// (`cargo xtask sizes`).
    #[inline(never)]
    pub fn add_cpu(&mut self, ids: &IdRegs) -> CpuVerdict {
        if let Some(decided) = &self.finalised {
            return judge_late(decided, self.maintenance, ids);
        }
        let verdict = self.view.add_cpu(ids);
        if verdict == CpuVerdict::Ok {
            self.maintenance = self.maintenance.also_for(ids);
        }
        verdict
    }

    /// The fields in which a CPU with the registers `ids` differs from the boot CPU although they
    /// should agree. Log each one, even if the verdict is `Ok`.
    pub fn differences<'a>(
        &'a self,
        ids: &'a IdRegs,
    ) -> impl Iterator<Item = Difference> + use<'a> {
        self.view.differences(ids)
    }

    /// The ID registers, sanitised over all CPUs added so far.
    pub fn ids(&self) -> &IdRegs {
        self.view.ids()
    }

    /// Runs the hooks of the cpucaps that are present now. Call it on each early CPU with the
    /// CPU's own registers: on the boot CPU after the pass, on the others after
    /// [`add_cpu`](Self::add_cpu) has accepted them.
    pub fn enable(&self, hooks: &[Enable], ids: &IdRegs) {
        run_hooks(hooks, self.view.boot_caps(), ids);
    }

    /// The decision of the boot-scope pass, for patching another region.
    pub fn decision(&self) -> Decision<'_> {
        Decision {
            table: self.view.table(),
            present: self.view.boot_caps(),
            decided: &self.decided,
        }
    }

    /// The report of the boot-scope pass.
    pub fn report(&self) -> Report {
        self.report
    }

    /// Whether `cap` is present and the text is patched for it.
    pub fn is_applied(&self, cap: Cap) -> bool {
        self.decided.contains(cap) && self.view.boot_caps().contains(cap)
    }

    /// Patches all remaining sites for the cpucaps that all CPUs have, while the other CPUs are
    /// stopped.
    ///
    /// It takes at most 2 KB of stack in an optimised kernel for raw tables, 3 KB with the feature
    /// `finished-tables`, and what the callbacks and the alias take (`cargo xtask sizes`).
    ///
    /// Available for the target `aarch64` with `target_os = "none"`.
    ///
    /// # Errors
    /// Two cpucaps exclude each other, a record cannot be applied, or the alias failed. The text
    /// is as the boot-scope pass left it, and the kernel can continue.
    ///
    /// # Safety
    /// - Every other CPU is off or stopped by `_stopped`, and no CPU is inside a site.
    /// - Each running CPU, including the stopped ones, was accepted by [`add_cpu`](Self::add_cpu)
    ///   with its own registers; those of the boot CPU were passed to
    ///   [`Detected::new`](crate::boot::Detected::new).
    /// - `image` describes the running image.
    /// - For CPUs that start later, as for
    ///   [`Detected::patch_boot`](crate::boot::Detected::patch_boot).
    #[cfg(any(all(target_arch = "aarch64", target_os = "none"), doc))]
    #[inline(never)]
    pub unsafe fn finalise<A: WritableAlias, const N: usize>(
        &mut self,
        _stopped: &Stopped<'_, N>,
        image: &mut Image<'_>,
        alias: &mut A,
    ) -> Result<Finalised, FinaliseError<A::Error>> {
        let caps = self.view.final_set()?;
        let decision = Decision {
            table: self.view.table(),
            present: &caps,
            decided: &CapSet::ALL,
        };
        let (region, room) = image.parts();
        let plan = Plan::after(&region, decision, &self.decided, room);
        let plan = plan.map_err(PatchError::Plan)?;
        // SAFETY: the plan was just made for this region; the caller's promise.
        let report = unsafe { plan.commit(&region, &self.maintenance, alias) }?;
        // The registers are copied when nothing can fail any more.
        let finalised = Finalised::new(self.view.with_final_set(caps), self.maintenance, report);
        self.finalised = Some(finalised.final_caps().clone());
        Ok(finalised)
    }
}
