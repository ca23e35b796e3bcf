//! The phases of boot, as types: a kernel cannot call them in the wrong order.
//!
//! | type          | what is known                       | what the text fits     | what comes next |
//! |---------------|-------------------------------------|------------------------|-----------------|
//! | [`Detected`]  | the boot CPU's registers            | every CPU (default)    | `patch_boot`, on one CPU |
//! | [`Booted`]    | cpucaps of boot scope               | those                  | the others come [online](Booted::add_cpu), then `finalise` |
//! | [`Finalised`] | all cpucaps                         | the system             | [late CPUs](Finalised::late_cpu) are judged |
//!
//! A kernel that wants one pass on the boot CPU, before any other CPU is started,
//! calls `Detected::patch`; all other CPUs are then late ones.
//!
//! `System` puts the phases, the command line, the log and the hooks together, for a kernel that
//! needs nothing in between.

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
mod system;

use crate::arch::Maintenance;
use crate::cap::{
    Cap, CapSet, CapTable, Conflict, CpuVerdict, DetectError, Difference, Enable, FinalCaps,
    IdRegs, SystemView, idregs::Field, run_hooks,
};
use crate::patch::{Decision, PatchError, Report};
use crate::rendezvous::StopError;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
use crate::{
    cap::Scope,
    image::Image,
    patch::{Plan, WritableAlias},
    rendezvous::Stopped,
};

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
pub use crate::arch::forget_fetched;
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
pub use system::System;

/// The boot CPU's registers are known; the text is the default.
#[derive(Clone, Debug)]
pub struct Detected {
    view: SystemView,
    ids: IdRegs,
    caps: CapSet,
}

impl Detected {
    /// Finds out which cpucaps of `table` the CPU with the registers `ids` has.
    ///
    /// # Errors
    /// Two cpucaps that exclude each other were both found.
    pub fn new(table: &'static CapTable, ids: IdRegs) -> Result<Self, DetectError> {
        let caps = table.detect(&ids)?;
        let view = SystemView::of_boot_cpu(table, &ids, caps)?;
        Ok(Self { view, ids, caps })
    }

    /// Declares the fields whose values the kernel has put to use already, by the boot CPU alone:
    /// see [`SystemView::build_on`].
    pub const fn build_on(&mut self, fields: &'static [&'static Field]) {
        self.view.build_on(fields);
    }

    /// The table that the cpucaps are of.
    pub fn table(&self) -> &'static CapTable {
        self.view.table()
    }

    /// The ID registers of the boot CPU.
    pub fn ids(&self) -> &IdRegs {
        &self.ids
    }

    /// The cpucaps that the boot CPU has. What the system has may be less.
    pub fn caps(&self) -> &CapSet {
        &self.caps
    }

    /// The boot-scope pass: rewrites the sites that ask for cpucaps of boot scope
    /// only.
    ///
    /// # Errors
    /// What was wrong. The text is as it was, and the kernel runs on with every
    /// site in its default form.
    ///
    /// # Safety
    /// Only this CPU may be running, not in the midst of a site; the registers given
    /// to [`new`](Self::new) must be its own, and `image` describe the running image.
    /// CPUs that start later must, once their MMU is on and before they come to a site, execute
    /// `ic iallu; dsb nsh; isb`: with it off they fetch what is at the point of coherency, which
    /// the pass need not clean to, and may keep it (Arm ARM D7.5.7).
    /// Exceptions that the pass cannot mask must come to no site: see
    /// [`rendezvous`](crate::rendezvous#what-may-still-interrupt-a-cpu-that-waits-or-writes).
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    pub unsafe fn patch_boot<A: WritableAlias>(
        &self,
        image: &mut Image<'_>,
        alias: &mut A,
    ) -> Result<Booted, PatchError<A::Error>> {
        let decided = self.table().of_scope(Scope::Boot);
        let decision = Decision {
            table: self.table(),
            present: self.view.boot_caps(),
            decided: &decided,
        };
        let maintenance = Maintenance::new(&self.ids);
        // SAFETY: the caller's promise.
        let report = unsafe { first_pass(image, decision, &maintenance, alias) }?;
        Ok(Booted {
            view: self.view.clone(),
            finalised: None,
            maintenance,
            decided,
            report,
        })
    }

    /// Both passes at once, as on a system of this one CPU.
    ///
    /// # Errors
    /// As [`patch_boot`](Self::patch_boot); the text is as it was.
    ///
    /// # Safety
    /// As for [`patch_boot`](Self::patch_boot).
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    pub unsafe fn patch<A: WritableAlias>(
        &self,
        image: &mut Image<'_>,
        alias: &mut A,
    ) -> Result<Finalised, FinaliseError<A::Error>> {
        let finish = |decision: Decision<'_>, how: &Maintenance| {
            // SAFETY: the caller's promise.
            unsafe { first_pass(image, decision, how, alias) }
        };
        finalise(&self.view, Maintenance::new(&self.ids), finish)
    }
}

/// The text fits the boot CPU's cpucaps of boot scope; other CPUs may come.
#[derive(Debug)]
pub struct Booted {
    view: SystemView,
    /// What the last pass has decided, once there was one: a CPU that is added after
    /// it is a late one.
    finalised: Option<FinalCaps>,
    maintenance: Maintenance,
    decided: CapSet,
    report: Report,
}

impl Booted {
    /// Judges a CPU that has come online, by the registers that it has read of
    /// itself, and takes it into account if it may stay. After the last pass it is
    /// judged as a late one.
    pub fn add_cpu(&mut self, ids: &IdRegs) -> CpuVerdict {
        if let Some(decided) = &self.finalised {
            return late_cpu(decided, self.maintenance, ids);
        }
        let verdict = self.view.add_cpu(ids);
        if verdict == CpuVerdict::Ok {
            self.maintenance = self.maintenance.also_for(ids);
        }
        verdict
    }

    /// The fields in which a CPU with the registers `ids` differs from the boot CPU and should
    /// not. A kernel logs each one, also where the verdict is `Ok`.
    pub fn differences<'a>(
        &'a self,
        ids: &'a IdRegs,
    ) -> impl Iterator<Item = Difference> + use<'a> {
        self.view.differences(ids)
    }

    /// The ID registers, sanitised over the CPUs so far.
    pub fn ids(&self) -> &IdRegs {
        self.view.ids()
    }

    /// Runs the hooks of the cpucaps that are present now. To be called on each
    /// early CPU, with its own registers: on the boot CPU after the pass, on the
    /// others when they have been [let in](Self::add_cpu).
    pub fn enable(&self, hooks: &[Enable], ids: &IdRegs) {
        run_hooks(hooks, self.view.boot_caps(), ids);
    }

    /// What a further region makes of it now.
    pub fn decision(&self) -> Decision<'_> {
        Decision {
            table: self.view.table(),
            present: self.view.boot_caps(),
            decided: &self.decided,
        }
    }

    /// What the boot-scope pass did.
    pub fn report(&self) -> Report {
        self.report
    }

    /// Whether the text takes account of `cap`, and `cap` is present.
    pub fn is_applied(&self, cap: Cap) -> bool {
        self.decided.contains(cap) && self.view.boot_caps().contains(cap)
    }

    /// The last pass, with every other CPU stopped: all remaining sites, for the
    /// cpucaps that all CPUs together have.
    ///
    /// # Errors
    /// What was wrong. The text is as the boot-scope pass left it, and the kernel
    /// runs on.
    ///
    /// # Safety
    /// Every CPU but this one must be off or stopped by `stopped`, and none be in the
    /// midst of a site. Each CPU that runs, this one and those stopped, must have been
    /// [let in](Self::add_cpu) by its own registers; the boot CPU's are those that
    /// [`Detected::new`] got. `image` must describe the running image. For CPUs that start later,
    /// as for [`Detected::patch_boot`].
    #[cfg(all(target_arch = "aarch64", target_os = "none"))]
    pub unsafe fn finalise<A: WritableAlias, const N: usize>(
        &mut self,
        _stopped: &Stopped<'_, N>,
        image: &mut Image<'_>,
        alias: &mut A,
    ) -> Result<Finalised, FinaliseError<A::Error>> {
        let finish = |decision: Decision<'_>, how: &Maintenance| {
            let (region, room) = image.parts();
            let plan = Plan::new(&region, decision, room).map_err(PatchError::Plan)?;
            // SAFETY: the plan is of this region, made just now; the caller's promise.
            unsafe { plan.commit(&region, how, alias) }
        };
        let finalised = finalise(&self.view, self.maintenance, finish)?;
        self.finalised = Some(finalised.decided.clone());
        Ok(finalised)
    }
}

/// Why boot did not come to the last pass, or the pass did not happen. The errors of all phases
/// turn into it, so that one function with `?` can have them all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FinaliseError<A> {
    /// The CPUs together have cpucaps that exclude each other.
    Detect(DetectError),
    /// The other CPUs could not be stopped.
    Stop(StopError),
    /// The text could not be patched.
    Patch(PatchError<A>),
}

impl<A> From<DetectError> for FinaliseError<A> {
    fn from(error: DetectError) -> Self {
        Self::Detect(error)
    }
}

impl<A> From<StopError> for FinaliseError<A> {
    fn from(error: StopError) -> Self {
        Self::Stop(error)
    }
}

impl<A> From<PatchError<A>> for FinaliseError<A> {
    fn from(error: PatchError<A>) -> Self {
        Self::Patch(error)
    }
}

impl<A: core::fmt::Display> core::fmt::Display for FinaliseError<A> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Detect(error) => error.fmt(f),
            Self::Stop(error) => error.fmt(f),
            Self::Patch(error) => error.fmt(f),
        }
    }
}

impl<A: core::fmt::Debug + core::fmt::Display> core::error::Error for FinaliseError<A> {}

/// The text fits the system.
#[derive(Clone, Debug)]
pub struct Finalised {
    decided: FinalCaps,
    maintenance: Maintenance,
    report: Report,
}

impl Finalised {
    /// Whether the system has `cap`. For code that runs often, `cpu_has_cap!`
    /// answers the same in one instruction.
    pub fn has(&self, cap: Cap) -> bool {
        self.caps().contains(cap)
    }

    /// Whether the text has been patched for `cap`: in this phase, whether the
    /// system has it.
    pub fn is_applied(&self, cap: Cap) -> bool {
        self.has(cap)
    }

    /// The cpucaps of the system.
    pub fn caps(&self) -> &CapSet {
        self.decided.caps()
    }

    /// The ID registers of the system: what all early CPUs together have. MIDR_EL1 and
    /// REVIDR_EL1 are 0 where CPUs differ.
    pub fn ids(&self) -> &IdRegs {
        self.decided.ids()
    }

    /// What the pass made of it, and what a further region makes of it.
    pub fn decision(&self) -> Decision<'_> {
        Decision {
            table: self.decided.table(),
            present: self.decided.caps(),
            decided: &CapSet::ALL,
        }
    }

    /// The cache maintenance that suits all CPUs that came before the last pass.
    pub fn maintenance(&self) -> Maintenance {
        self.maintenance
    }

    /// Runs the hooks of the cpucaps that the last pass has decided. To be called on
    /// each early CPU, with its own registers, when it has left the rendezvous.
    pub fn enable(&self, hooks: &[Enable], ids: &IdRegs) {
        run_hooks(hooks, &self.decided.later_caps(), ids);
    }

    /// Runs the hooks of all cpucaps. To be called on each late CPU, with its own
    /// registers, when it has been [let in](Self::late_cpu).
    pub fn enable_late(&self, hooks: &[Enable], ids: &IdRegs) {
        run_hooks(hooks, self.caps(), ids);
    }

    /// The fields in which a CPU with the registers `ids` differs from the boot CPU and should
    /// not. A kernel logs each one, also where the verdict is `Ok`.
    pub fn differences<'a>(
        &'a self,
        ids: &'a IdRegs,
    ) -> impl Iterator<Item = Difference> + use<'a> {
        self.decided.differences(ids)
    }

    /// Judges a CPU that comes now, by the registers that it has read of itself.
    pub fn late_cpu(&self, ids: &IdRegs) -> CpuVerdict {
        late_cpu(&self.decided, self.maintenance, ids)
    }

    /// What the last pass did.
    pub fn report(&self) -> Report {
        self.report
    }
}

/// The verdict on a CPU that comes after the last pass.
fn late_cpu(decided: &FinalCaps, maintenance: Maintenance, ids: &IdRegs) -> CpuVerdict {
    match decided.late_cpu(ids) {
        // Modules are still to come, and their maintenance must suit this CPU, too;
        // an erratum of its caches need not show in CTR_EL0.
        CpuVerdict::Ok if maintenance.also_for(ids) != maintenance => {
            CpuVerdict::ParkCpu(Conflict::Maintenance)
        }
        verdict => verdict,
    }
}

/// Decides all cpucaps, and lets `pass` make the text fit them.
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
fn finalise<A>(
    view: &SystemView,
    maintenance: Maintenance,
    pass: impl FnOnce(Decision<'_>, &Maintenance) -> Result<Report, PatchError<A>>,
) -> Result<Finalised, FinaliseError<A>> {
    let mut finalised = Finalised {
        decided: view.finalise()?,
        maintenance,
        report: Report::default(),
    };
    finalised.report = pass(finalised.decision(), &maintenance)?;
    Ok(finalised)
}

/// The first of one or two passes: plans, checks everything that any pass may need, commits and
/// verifies.
///
/// # Safety
/// As for [`Plan::commit`].
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
unsafe fn first_pass<A: WritableAlias>(
    image: &mut Image<'_>,
    decision: Decision<'_>,
    how: &Maintenance,
    alias: &mut A,
) -> Result<Report, PatchError<A::Error>> {
    let (region, plan) = image.plan_first_pass(decision)?;
    // SAFETY: the plan is of this region, made just now; the caller's promise.
    unsafe { plan.commit_first(&region, how, alias) }
}
