//! Where all other CPUs wait while one of them changes the text.
//!
//! The patching CPU [holds](Rendezvous::hold) the rendezvous; every other CPU
//! [attends](Rendezvous::attend) it and leaves with an ISB when it is over.
//!
//! A CPU attends *between* sites: from its idle loop or its scheduler. An interrupt
//! handler may have interrupted a site of several instructions half-way, and the CPU
//! would go on in the other half of another text; so let the handler only see to it
//! that the CPU comes by.
//!
//! # What may still interrupt a CPU that waits or writes
//!
//! Both mask interrupts, those with superpriority (FEAT_NMI) included, by DAIF and, where
//! ID_AA64PFR1_EL1.NMI says that it exists, ALLINT. Neither can mask the following; a kernel that
//! uses one keeps sites out of its handlers, or turns it off meanwhile:
//!
//! - SDEI events: firmware delivers them whatever PSTATE says. Call `SDEI_PE_MASK` on each CPU
//!   (Arm DEN0054).
//! - SErrors where SCTLR2_ELx.NMEA is 1 (FEAT_DoubleFault2): PSTATE.A does not mask them.
//! - PMU profiling exceptions (FEAT_EBEP), which PSTATE.PM masks.
//! - Synchronous exceptions from the access to memory: the alias, the plan and the rendezvous
//!   must be mapped.

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, Ordering};

/// A meeting place for `N` CPUs, which the kernel numbers from 0.
///
/// The generation is odd while CPUs are held and even otherwise, and each CPU
/// acknowledges the one that it has seen.
#[derive(Debug)]
pub struct Rendezvous<const N: usize> {
    generation: AtomicU32,
    seen: [AtomicU32; N],
}

/// Why the CPUs are not held. Nobody waits, and nothing has been written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum HoldError {
    /// A CPU did not come in time.
    Missing {
        /// Its number.
        cpu: usize,
    },
    /// Somebody else holds the rendezvous.
    AlreadyHeld,
}

impl fmt::Display for HoldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { cpu } => {
                write!(f, "CPU {cpu} did not come to the rendezvous in time")
            }
            Self::AlreadyHeld => f.write_str("the rendezvous is held already"),
        }
    }
}

impl core::error::Error for HoldError {}

impl<const N: usize> Rendezvous<N> {
    /// Nobody is held.
    pub const fn new() -> Self {
        Self {
            generation: AtomicU32::new(0),
            seen: [const { AtomicU32::new(0) }; N],
        }
    }

    /// Whether CPUs are asked to attend now.
    pub fn is_called(&self) -> bool {
        self.generation.load(Ordering::Acquire) % 2 == 1
    }

    /// Attends as CPU number `cpu`: waits until the holder lets go, or not at all
    /// if nobody holds. Not to be called where a site may be under way: see the
    /// [module](self). Interrupts are masked meanwhile. A number of `N` or above
    /// is no CPU of this rendezvous, and returns at once.
    ///
    /// The holder must not attend: it would wait for itself.
    pub fn attend(&self, cpu: usize) {
        // The routine reads an ID register, which a hypervisor may trap: not for nothing.
        if let Some(seen) = self.seen.get(cpu).filter(|_| self.is_called()) {
            crate::arch::attend(&self.generation, seen);
        }
    }

    /// Calls `others` and waits until each of them attends; they wait until the
    /// returned value is dropped.
    ///
    /// `notify` is called once the call stands, to send an interrupt for one.
    /// `now` is a clock of any unit and `patience` the time in it that all CPUs
    /// together have.
    ///
    /// The caller must not be preempted before the value is dropped. What runs in its place on
    /// this CPU would execute sites that change, or attend, and wait for ever for a holder that
    /// does not run. The value cannot be sent to another thread.
    ///
    /// # Errors
    /// The first CPU that had not come when the time was over; those that had are let
    /// go. Or somebody holds the rendezvous already.
    pub fn hold(
        &self,
        others: impl IntoIterator<Item = usize>,
        notify: impl FnOnce(),
        now: impl Fn() -> u64,
        patience: u64,
    ) -> Result<Held<'_, N>, HoldError> {
        let idle = self.generation.load(Ordering::Relaxed) & !1;
        let generation = idle.wrapping_add(1);
        self.generation
            .compare_exchange(idle, generation, Ordering::AcqRel, Ordering::Relaxed)
            .map_err(|_| HoldError::AlreadyHeld)?;
        // From here on, whatever happens, they are let go.
        let held = Held {
            rendezvous: self,
            generation,
            on_this_cpu: PhantomData,
        };
        notify();
        let begin = now();
        for cpu in others {
            let seen = self.seen.get(cpu).ok_or(HoldError::Missing { cpu })?;
            while seen.load(Ordering::Acquire) != generation {
                if now().wrapping_sub(begin) > patience {
                    return Err(HoldError::Missing { cpu });
                }
                core::hint::spin_loop();
            }
        }
        Ok(held)
    }
}

impl<const N: usize> Default for Rendezvous<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// All other CPUs wait as long as this lives, on the CPU that holds them.
///
/// ```compile_fail,E0277
/// use alt_runtime::rendezvous::Held;
///
/// fn sent<T: Send>() {}
/// sent::<Held<'static, 4>>();
/// ```
#[derive(Debug)]
pub struct Held<'a, const N: usize> {
    rendezvous: &'a Rendezvous<N>,
    generation: u32,
    /// Neither `Send` nor `Sync`.
    on_this_cpu: PhantomData<*const ()>,
}

impl<const N: usize> Drop for Held<'_, N> {
    fn drop(&mut self) {
        let idle = self.generation.wrapping_add(1);
        self.rendezvous.generation.store(idle, Ordering::Release);
    }
}
