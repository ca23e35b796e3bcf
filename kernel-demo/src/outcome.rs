//! How the kernel ends, and what it leaves for whoever looks at its memory.

use core::sync::atomic::{AtomicU32, Ordering};

use smccc::psci;

use crate::firmware::Firmware;

/// Status (1 ok, 2 failed), cpucaps detected, sites in the table, sites patched.
/// Read from outside after power-off.
#[unsafe(no_mangle)]
#[used]
static demo_outcome: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];

/// What is known so far.
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
    /// Everything was as it must be.
    pub fn succeed(self) -> ! {
        self.end(1)
    }

    /// Something was not; the log says what.
    pub fn fail(self) -> ! {
        self.end(2)
    }

    fn end(self, status: u32) -> ! {
        let words = [status, self.caps, self.sites, self.patched];
        for (word, value) in demo_outcome.iter().zip(words) {
            word.store(value, Ordering::Relaxed);
        }
        // Whether or not the firmware can do it, there is nothing left to run.
        let _ = psci::system_off::<Firmware>();
        loop {
            aarch64_cpu::asm::wfi();
        }
    }
}
