//! How a run ends, and the result that it leaves in memory.

use core::sync::atomic::{AtomicU32, Ordering};

use super::firmware;

/// A failure whose reason has been logged.
#[derive(Clone, Copy)]
pub struct Failed;

/// Status (1 success, 2 failure), cpucaps detected, sites in the tables, sites patched. The host
/// reads it from the guest's memory after power-off.
#[unsafe(no_mangle)]
#[used]
static demo_outcome: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];

/// The result so far.
#[derive(Default)]
pub struct Outcome {
    /// Cpucaps detected.
    pub caps: u32,
    /// Sites in the tables.
    pub sites: u32,
    /// Sites rewritten.
    pub patched: u32,
}

impl Outcome {
    /// Ends the run with success.
    pub fn succeed(self) -> ! {
        self.end(1)
    }

    /// Ends the run with a failure, whose reason has been logged.
    pub fn fail(self) -> ! {
        self.end(2)
    }

    fn end(self, status: u32) -> ! {
        let words = [status, self.caps, self.sites, self.patched];
        for (word, value) in demo_outcome.iter().zip(words) {
            word.store(value, Ordering::Relaxed);
        }
        firmware::power_off()
    }
}
