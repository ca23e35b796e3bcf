//! The phases of boot in one static, with the command line, the log, the hooks and the
//! secondaries: all that a kernel would otherwise write around [`Detected`], [`Booted`] and
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
/// The boot CPU calls [`boot`](Self::boot), for one pass over everything before any other CPU is
/// started; each other CPU calls [`join`](Self::join) when it comes up. Where CPUs may differ, the
/// boot CPU calls [`boot_early`](Self::boot_early) instead, and [`finalise`](Self::finalise) when
/// all have joined and are stopped in a [rendezvous](crate::rendezvous).
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
    /// No further pass comes.
    is_settled: AtomicBool,
}

impl System {
    /// No CPU has booted yet. The cpucaps are those of `table`.
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

    /// The same with hooks, which each CPU runs for the cpucaps that are present.
    #[must_use]
    pub const fn with_hooks(mut self, hooks: &'static [Enable]) -> Self {
        self.hooks = hooks;
        self
    }

    /// The same for a kernel that relies on the boot CPU's values of these fields, as when it has
    /// set up page tables by them: see [`Detected::build_on`].
    #[must_use]
    pub const fn with_built_on(mut self, fields: &'static [&'static Field]) -> Self {
        self.built_on = fields;
        self
    }

    /// What was decided, once it is.
    pub fn finalised(&self) -> Option<&Finalised> {
        self.finalised.get()
    }

    /// Whether no further pass comes: the last one is over, or a pass failed. A CPU that waits for
    /// the last pass need not come to the rendezvous any more.
    pub fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Acquire)
    }

    /// All of boot on the boot CPU, before any other one is started: takes overrides from the
    /// command line, detects the cpucaps, patches the whole text, runs the hooks, and logs what
    /// was found and done. `None` if the text was not patched; the log says why.
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

    /// The first of two passes, on the boot CPU, before any other one is started: as
    /// [`boot`](Self::boot), but decides and patches cpucaps of boot scope only. Says whether the
    /// text was patched.
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

    /// The last of two passes, with every other CPU stopped: decides and patches all remaining
    /// cpucaps, lets the other CPUs go, runs the hooks on this CPU, and logs. `None` if the text
    /// was not patched, as when a CPU did not come and `stopped` is an error.
    ///
    /// Afterwards the kernel [is settled](Self::is_settled) in any case. The other CPUs call
    /// [`enable_later`](Self::enable_later) then.
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
            // The other CPUs go on before anything is logged: one of them may have the lock of
            // the log.
        });
        let finalised = self.decided(patched, &mut log)?;
        finalised.enable(self.hooks, &self.registers());
        Some(finalised)
    }

    /// Runs, on a CPU that joined before [`finalise`](Self::finalise), the hooks of what that has
    /// decided. To be called once on each such CPU, when it has left the rendezvous.
    pub fn enable_later(&self) {
        if let Some(finalised) = self.finalised.get() {
            finalised.enable(self.hooks, &self.registers());
        }
    }

    /// What each other CPU does when its MMU is on and before it comes to any site: forgets what
    /// it has fetched with the MMU off, reads its registers, is judged by them, and runs the
    /// hooks. A CPU that may not stay executes nothing that has a site: the kernel switches it
    /// off, or stops where the verdict is [`CpuVerdict::Panic`]. The log says why.
    ///
    /// # Safety
    /// This CPU has executed no site yet, and the boot CPU has returned from
    /// [`boot`](Self::boot) or [`boot_early`](Self::boot_early). `log` also runs on a CPU that may
    /// not stay, so it must come to no site: one that was patched for a cpucap which this CPU lacks
    /// would be undefined here.
    pub unsafe fn join(&self, mut log: impl FnMut(Arguments<'_>)) -> CpuVerdict {
        crate::arch::forget_fetched();
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
            // Not patched: the default text is right for every CPU.
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

    /// The registers of this CPU, with the overrides.
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

    /// Keeps what was decided, and logs it.
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

    /// The cpucaps that are present, and the evidence.
    fn log_caps(&self, caps: &CapSet, ids: &IdRegs, log: &mut impl FnMut(Arguments<'_>)) {
        for info in self.table.iter().filter(|info| caps.contains(info.cap)) {
            let (name, evidence) = (info.name, info.rule.evidence(ids));
            log(format_args!("alternatives: {name}: {evidence}"));
        }
    }
}
