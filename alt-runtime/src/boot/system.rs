//! The phases of boot in one static, with the command line, the log, the hooks and the secondary
//! CPUs: the code that a kernel would otherwise write around [`Detected`], [`Booted`] and
//! [`Finalised`].

use core::fmt::{Arguments, Display};
use core::sync::atomic::{AtomicBool, Ordering};

use spin::{Once, mutex::SpinMutex};

use super::{Booted, Detected, FinaliseError, Finalised};
use crate::cap::{
    CapSet, CapTable, CpuVerdict, Difference, Enable, IdRegs, Overrides, idregs::Field, run_hooks,
};
use crate::image::Image;
use crate::patch::WritableAlias;
use crate::rendezvous::{StopError, Stopped};

/// The state of patching in a running kernel, for a static that all CPUs use:
/// `static SYSTEM: System = System::new(&cpucaps::TABLE);`.
///
/// The boot CPU calls [`boot`](Self::boot), which patches all sites, before it starts any other CPU.
/// Each other CPU calls [`join`](Self::join) when it starts. If CPUs may differ, the boot CPU calls
/// [`boot_early`](Self::boot_early) instead, and [`finalise`](Self::finalise) when all have joined
/// and are stopped in a [rendezvous](crate::rendezvous).
///
/// Available for the target `aarch64` with `target_os = "none"`.
///
/// A pass that fails reports its error to `log` and leaves the text as it was. The kernel runs on,
/// since the default text is correct on every CPU.
#[derive(Debug)]
pub struct System {
    table: &'static CapTable,
    hooks: &'static [Enable],
    built_on: &'static [&'static Field],
    overrides: Once<Overrides>,
    booted: Once<SpinMutex<Booted>>,
    finalised: Once<Finalised>,
    /// No further pass follows.
    is_settled: AtomicBool,
}

impl System {
    /// The state before boot, with the cpucaps of `table`.
    pub const fn new(table: &'static CapTable) -> Self {
        Self {
            table,
            hooks: &[],
            built_on: &[],
            overrides: Once::new(),
            booted: Once::new(),
            finalised: Once::new(),
            is_settled: AtomicBool::new(false),
        }
    }

    /// Sets the hooks that each CPU runs for the cpucaps that are present.
    #[must_use]
    pub const fn with_hooks(mut self, hooks: &'static [Enable]) -> Self {
        self.hooks = hooks;
        self
    }

    /// Declares ID register fields whose values the kernel has already read from the boot CPU and
    /// used, for example for its page tables: see [`Detected::build_on`].
    #[must_use]
    pub const fn with_built_on(mut self, fields: &'static [&'static Field]) -> Self {
        self.built_on = fields;
        self
    }

    /// The final state, after the last pass.
    pub fn finalised(&self) -> Option<&Finalised> {
        self.finalised.get()
    }

    /// Whether no further pass follows: the last one is done, or a pass failed. A CPU that waits for
    /// the last pass need not poll the rendezvous any more.
    pub fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Acquire)
    }

    /// Boots in one pass, on the boot CPU, before any other CPU is started: reads overrides from the
    /// command line, detects the cpucaps, patches all sites, runs the hooks, and logs the results.
    /// Returns `None` if the text was not patched; the log has the reason.
    ///
    /// # Safety
    /// As for [`Detected::patch_boot`]. The kernel calls this or [`boot_early`](Self::boot_early),
    /// once.
    pub unsafe fn boot<A: WritableAlias<Error: Display>>(
        &self,
        cmdline: &str,
        image: &mut Image<'_>,
        alias: &mut A,
        mut log: impl FnMut(Arguments<'_>),
    ) -> Option<&Finalised> {
        let detected = self.detect(cmdline, &mut log)?;
        // SAFETY: the caller's promise.
        let patched = unsafe { detected.patch(image, alias) };
        let finalised = self.decided(patched, &mut log)?;
        finalised.enable_late(self.hooks, detected.ids());
        Some(finalised)
    }

    /// Does the first of two passes, on the boot CPU, before any other CPU is started: as
    /// [`boot`](Self::boot), but for cpucaps of boot scope only. Returns whether the text was
    /// patched.
    ///
    /// # Safety
    /// As for [`boot`](Self::boot).
    pub unsafe fn boot_early<A: WritableAlias<Error: Display>>(
        &self,
        cmdline: &str,
        image: &mut Image<'_>,
        alias: &mut A,
        mut log: impl FnMut(Arguments<'_>),
    ) -> bool {
        let Some(detected) = self.detect(cmdline, &mut log) else {
            return false;
        };
        // SAFETY: the caller's promise.
        match unsafe { detected.patch_boot(image, alias) } {
            Ok(booted) => {
                log(format_args!(
                    "alternatives: boot scope: {}",
                    booted.report()
                ));
                booted.enable(self.hooks, detected.ids());
                self.booted.call_once(|| SpinMutex::new(booted));
                true
            }
            Err(why) => {
                log(format_args!("alternatives: not patched: {why}"));
                self.settle();
                false
            }
        }
    }

    /// Does the last of two passes, while the other CPUs are stopped: decides and patches the
    /// remaining cpucaps, releases the other CPUs, runs the hooks on this CPU, and logs. Returns
    /// `None` if the text was not patched, for example because `stopped` is an error.
    ///
    /// Afterwards the kernel [is settled](Self::is_settled) in any case, and the other CPUs call
    /// [`enable_later`](Self::enable_later).
    ///
    /// # Safety
    /// As for [`Booted::finalise`]; this is the CPU that has called
    /// [`boot_early`](Self::boot_early), and the others have [joined](Self::join).
    pub unsafe fn finalise<A: WritableAlias<Error: Display>, const N: usize>(
        &self,
        stopped: Result<Stopped<'_, N>, StopError>,
        image: &mut Image<'_>,
        alias: &mut A,
        mut log: impl FnMut(Arguments<'_>),
    ) -> Option<&Finalised> {
        let Some(booted) = self.booted.get() else {
            log(format_args!(
                "alternatives: there was no pass of boot scope"
            ));
            self.settle();
            return None;
        };
        let patched = stopped.map_err(FinaliseError::Stop).and_then(|stopped| {
            // SAFETY: the caller's promise.
            unsafe { booted.lock().finalise(&stopped, image, alias) }
            // The other CPUs are released before anything is logged: one of them may have locked
            // the log.
        });
        let finalised = self.decided(patched, &mut log)?;
        finalised.enable(self.hooks, &self.registers());
        Some(finalised)
    }

    /// Runs the hooks of the cpucaps that [`finalise`](Self::finalise) decided. Call it once on each
    /// CPU that joined before, after it has left the rendezvous.
    pub fn enable_later(&self) {
        if let Some(finalised) = self.finalised.get() {
            finalised.enable(self.hooks, &self.registers());
        }
    }

    /// Adds a CPU. Each CPU other than the boot CPU calls this after its MMU is on and before it
    /// executes a site: it discards prefetched instructions, reads and judges its ID registers, and
    /// runs the hooks. If the verdict is not [`CpuVerdict::Ok`], the CPU must not execute sites: the
    /// kernel switches it off, or stops if the verdict is [`CpuVerdict::Panic`]. The log has the
    /// reason.
    ///
    /// # Safety
    /// This CPU has executed no site yet, and the boot CPU has returned from
    /// [`boot`](Self::boot) or [`boot_early`](Self::boot_early). `log` executes no site: it also runs
    /// on a refused CPU, on which a site that is patched for a missing cpucap may be undefined.
    pub unsafe fn join(&self, mut log: impl FnMut(Arguments<'_>)) -> CpuVerdict {
        crate::arch::invalidate_icache();
        let ids = self.registers();
        let mut report =
            |difference: Difference| log(format_args!("alternatives: this CPU: {difference}"));
        let (verdict, caps) = match (self.finalised.get(), self.booted.get()) {
            (Some(finalised), _) => {
                finalised.differences(&ids).for_each(&mut report);
                (finalised.late_cpu(&ids), *finalised.caps())
            }
            (None, Some(booted)) => {
                let mut booted = booted.lock();
                booted.differences(&ids).for_each(&mut report);
                (booted.add_cpu(&ids), *booted.decision().present)
            }
            // Not patched: the default text is correct on every CPU.
            (None, None) => return CpuVerdict::Ok,
        };
        match &verdict {
            CpuVerdict::Ok => run_hooks(self.hooks, &caps, &ids),
            CpuVerdict::ParkCpu(why) => {
                log(format_args!("alternatives: this CPU is kept out: {why}"));
            }
            CpuVerdict::Panic(why) => {
                log(format_args!("alternatives: this CPU must not run: {why}"));
            }
        }
        verdict
    }

    /// The ID registers of this CPU, with the overrides applied.
    fn registers(&self) -> IdRegs {
        let mut ids = IdRegs::read();
        if let Some(overrides) = self.overrides.get() {
            overrides.apply(&mut ids, |_| ());
        }
        ids
    }

    fn detect(&self, cmdline: &str, log: &mut impl FnMut(Arguments<'_>)) -> Option<Detected> {
        let overrides = self.overrides.call_once(|| {
            Overrides::parse(self.table, cmdline, |word| {
                log(format_args!("alternatives: command line: {word}"));
            })
        });
        let mut ids = IdRegs::read();
        overrides.apply(&mut ids, |field| log(format_args!("alternatives: {field}")));
        match Detected::new(self.table, ids) {
            Ok(mut detected) => {
                detected.build_on(self.built_on);
                Some(detected)
            }
            Err(why) => {
                log(format_args!("alternatives: not patched: {why}"));
                self.settle();
                None
            }
        }
    }

    fn settle(&self) {
        self.is_settled.store(true, Ordering::Release);
    }

    /// Stores and logs the result of the last pass.
    fn decided<A: Display>(
        &self,
        patched: Result<Finalised, FinaliseError<A>>,
        log: &mut impl FnMut(Arguments<'_>),
    ) -> Option<&Finalised> {
        let decided = match patched {
            Ok(finalised) => {
                self.log_caps(finalised.caps(), finalised.ids(), log);
                log(format_args!("alternatives: {}", finalised.report()));
                Some(self.finalised.call_once(|| finalised))
            }
            Err(why) => {
                log(format_args!("alternatives: not patched: {why}"));
                None
            }
        };
        self.settle();
        decided
    }

    /// Logs the cpucaps that are present, with the register fields that show them.
    fn log_caps(&self, caps: &CapSet, ids: &IdRegs, log: &mut impl FnMut(Arguments<'_>)) {
        for info in self.table.iter().filter(|info| caps.contains(info.cap)) {
            let (name, evidence) = (info.name, info.rule.evidence(ids));
            log(format_args!("alternatives: {name}: {evidence}"));
        }
    }
}
