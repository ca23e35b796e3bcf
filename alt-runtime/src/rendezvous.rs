//! Stops all other CPUs while one of them changes the text.
//!
//! The patching CPU calls [`stop_all`](Rendezvous::stop_all). Every other CPU polls
//! [`wait_if_requested`](Rendezvous::wait_if_requested), waits there until the patching CPU is
//! done, and executes an ISB before it continues.
//!
//! A CPU must poll *between* sites: from its idle loop or its scheduler. An interrupt handler may
//! have interrupted a site of several instructions half-way, and the CPU would resume in the
//! second half of a different replacement. Let the handler request a reschedule instead.
//!
//! # What may still interrupt a CPU that waits or writes
//!
//! Both mask interrupts with DAIF. Where ID_AA64PFR1_EL1.NMI reports FEAT_NMI, they also set ALLINT,
//! which masks interrupts with superpriority. The following cannot be masked; a kernel that uses one
//! of them keeps sites out of its handlers, or disables it during the pass:
//!
//! - SDEI events: firmware delivers them whatever PSTATE says. Call `SDEI_PE_MASK` on each CPU
//!   (Arm DEN0054).
//! - SErrors where SCTLR2_ELx.NMEA is 1 (FEAT_DoubleFault2): PSTATE.A does not mask them.
//! - PMU profiling exceptions (FEAT_EBEP), which PSTATE.PM masks.
//! - Synchronous exceptions on memory accesses: the alias, the plan and the rendezvous must be
//!   mapped.

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::arch::Seat;

/// The state that `N` CPUs, numbered from 0 by the kernel, use to stop and resume.
///
/// The generation is odd while CPUs are stopped and even otherwise. Each CPU acknowledges a stop by
/// storing the generation that it has observed.
#[derive(Debug)]
pub struct Rendezvous<const N: usize> {
    generation: AtomicU32,
    seats: [Seat; N],
}

/// The registers from which the calls in progress on a CPU, or of a thread, can be found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frame {
    /// The instruction that is executed next.
    pub pc: u64,
    /// x30: in a function that has no frame record, the address to which it returns.
    pub lr: u64,
    /// x29: the address of the last frame record (AAPCS64, "The Frame Pointer").
    pub fp: u64,
    /// The stack pointer.
    pub sp: u64,
}

/// Why the CPUs were not stopped. No CPU waits, and nothing has been written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StopError {
    /// A CPU did not reach the rendezvous before the timeout.
    Missing {
        /// Its number.
        cpu: usize,
    },
    /// Another CPU has stopped the CPUs of this rendezvous.
    AlreadyStopped,
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Missing { cpu } => {
                write!(f, "CPU {cpu} did not come to the rendezvous in time")
            }
            Self::AlreadyStopped => f.write_str("another CPU has stopped the CPUs already"),
        }
    }
}

impl core::error::Error for StopError {}

impl<const N: usize> Rendezvous<N> {
    /// A rendezvous at which no CPU is stopped.
    pub const fn new() -> Self {
        Self {
            generation: AtomicU32::new(0),
            seats: [const { Seat::new() }; N],
        }
    }

    /// Whether the CPUs are requested to stop now.
    pub fn is_requested(&self) -> bool {
        self.generation.load(Ordering::Acquire) % 2 == 1
    }

    /// Waits, as CPU number `cpu`, until the CPUs are released; returns at once if no stop is
    /// requested, or if `cpu` is not less than `N`. Interrupts are masked during the wait.
    ///
    /// Call this between sites only: see the [module](self). The CPU that has called
    /// [`stop_all`](Self::stop_all) must not call it: it would wait for itself.
    pub fn wait_if_requested(&self, cpu: usize) {
        // The routine reads an ID register, which a hypervisor may trap: call it only if needed.
        if let Some(seat) = self.seats.get(cpu).filter(|_| self.is_requested()) {
            crate::arch::wait_if_requested(&self.generation, seat);
        }
    }

    /// Requests the CPUs `others` to stop, and returns when all have. They wait until the returned
    /// value is dropped.
    ///
    /// `notify` is called once, after the request is visible, for example to send an interrupt to
    /// the CPUs. `now` reads a monotonic clock of any unit; `timeout`, in that unit, is the time
    /// for all CPUs together.
    ///
    /// The caller must not be preempted before the value is dropped. Other code on this CPU would
    /// execute sites while they change, or wait in the rendezvous for a CPU that does not run. The
    /// value cannot be sent to another thread.
    ///
    /// # Errors
    /// [`StopError::Missing`] names the first CPU that did not stop before the timeout; the CPUs
    /// that did are released. [`StopError::AlreadyStopped`] if another stop is in progress.
    pub fn stop_all(
        &self,
        others: impl IntoIterator<Item = usize>,
        notify: impl FnOnce(),
        now: impl Fn() -> u64,
        timeout: u64,
    ) -> Result<Stopped<'_, N>, StopError> {
        let idle = self.generation.load(Ordering::Relaxed) & !1;
        let generation = idle.wrapping_add(1);
        self.generation
            .compare_exchange(idle, generation, Ordering::AcqRel, Ordering::Relaxed)
            .map_err(|_| StopError::AlreadyStopped)?;
        // Dropped on every path below, which releases the CPUs.
        let stopped = Stopped {
            rendezvous: self,
            generation,
            on_this_cpu: PhantomData,
        };
        notify();
        let begin = now();
        for cpu in others {
            let seat = self.seats.get(cpu).ok_or(StopError::Missing { cpu })?;
            while seat.seen.load(Ordering::Acquire) != generation {
                if now().wrapping_sub(begin) > timeout {
                    return Err(StopError::Missing { cpu });
                }
                core::hint::spin_loop();
            }
        }
        Ok(stopped)
    }
}

impl<const N: usize> Default for Rendezvous<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Keeps the other CPUs stopped until it is dropped, on the CPU that stopped them.
///
/// ```compile_fail,E0277
/// use alt_runtime::rendezvous::Stopped;
///
/// fn sent<T: Send>() {}
/// sent::<Stopped<'static, 4>>();
/// ```
#[derive(Debug)]
pub struct Stopped<'a, const N: usize> {
    rendezvous: &'a Rendezvous<N>,
    generation: u32,
    /// Neither `Send` nor `Sync`.
    on_this_cpu: PhantomData<*const ()>,
}

impl<const N: usize> Stopped<'_, N> {
    /// The CPUs that wait, by number, and where each one waits: `lr` is in the function that has
    /// called [`wait_if_requested`](Rendezvous::wait_if_requested), or in that function itself. On
    /// a host, where threads act as CPUs, the registers are 0.
    pub fn frames(&self) -> impl Iterator<Item = (usize, Frame)> + use<'_, N> {
        let seats = self.rendezvous.seats.iter().enumerate();
        seats.filter_map(|(cpu, seat)| {
            // What the CPU has stored before the generation is visible with it.
            if seat.seen.load(Ordering::Acquire) != self.generation {
                return None;
            }
            let [fp, lr, sp] = seat.registers();
            let pc = crate::arch::wait_if_requested as *const () as u64;
            Some((cpu, Frame { pc, lr, fp, sp }))
        })
    }
}

impl<const N: usize> Drop for Stopped<'_, N> {
    fn drop(&mut self) {
        let idle = self.generation.wrapping_add(1);
        self.rendezvous.generation.store(idle, Ordering::Release);
    }
}
