//! The CPUs: how they are stopped, for how long, and their stacks. This kernel has no threads.

use core::sync::atomic::{AtomicU64, Ordering};

use alt_runtime::livepatch::{Stack, Stacks, StoppedCpus, Who, here};
use alt_runtime::rendezvous::{Frame, StopError, Stopped};

use crate::platform::board::MAX_CPUS;
use crate::platform::{image, timer};
use crate::smp;

/// Ticks of the counter for which the other CPUs were held the last time.
static HELD: AtomicU64 = AtomicU64::new(0);

/// Ticks of the counter for which the other CPUs were held the last time.
pub fn held() -> u64 {
    HELD.load(Ordering::Relaxed)
}

/// The other CPUs while they are held.
pub struct Held {
    stopped: Stopped<'static, MAX_CPUS>,
    since: u64,
}

impl StoppedCpus for Held {
    fn frames(&self) -> impl Iterator<Item = (usize, Frame)> {
        self.stopped.frames()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.store(timer::now() - self.since, Ordering::Relaxed);
    }
}

/// All CPUs of this kernel. Operations of the loader run on the boot CPU.
pub struct Cpus;

// SAFETY: the rendezvous of `smp` stops every CPU that is online; one that starts invalidates its
// instruction cache and executes an ISB (`platform::entry`). There are no threads. The stacks are
// those that `platform::entry` and `smp` have handed out.
unsafe impl Stacks for Cpus {
    type Stopped = Held;

    fn stop(&mut self) -> Result<Held, StopError> {
        let stopped = smp::stop(smp::others(), timer::frequency())?;
        let since = timer::now();
        Ok(Held { stopped, since })
    }

    fn this_cpu(&self) -> (usize, Frame) {
        (0, here())
    }

    fn sleeping(&self, _: &mut dyn FnMut(u64, Frame)) {}

    fn stack(&self, who: Who, address: u64) -> Option<Stack<'_>> {
        let memory = match who {
            Who::Cpu(0) => image::boot_stack(),
            Who::Cpu(cpu) => smp::stack(cpu)?,
            Who::Thread(_) => return None,
        };
        if !memory.contains(&(address as usize)) {
            return None;
        }
        let (start, len) = (memory.start, memory.len() / 8);
        // SAFETY: a stack of this kernel is always mapped, and aligned to a page.
        Some(unsafe { Stack::from_raw(start as u64, start as *const u64, len) })
    }

    /// The boot CPU enters its first Rust function with the end of the stack in x30; the others are
    /// called from the entry of aarch64-rt.
    fn is_bottom(&self, return_address: u64) -> bool {
        /// Bytes of the entry, at least.
        const ENTRY: u64 = 0x40;
        let entry = aarch64_rt::secondary_entry as *const () as u64;
        return_address == image::boot_stack().end as u64
            || (entry..entry + ENTRY).contains(&return_address)
    }
}
