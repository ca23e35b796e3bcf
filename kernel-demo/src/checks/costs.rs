//! The costs of the steps of boot, by the virtual counter. On QEMU with `-icount shift=0`, each instruction
//! takes 1 ns of it: `docs/costs.md`.

use core::hint::black_box;
use core::ops::Range;

use alt_runtime::cap::IdRegs;
use alt_runtime::patch::WritableAlias;
use defmt::info;

use crate::platform::alias::Alias;
use crate::platform::timer;

/// Measures from its start to a line of the log.
pub struct Clock(u64);

impl Clock {
    pub fn start() -> Self {
        Self(timer::now())
    }

    /// Logs the ticks since the start.
    pub fn log(self, step: &str) {
        let ticks = timer::now() - self.0;
        info!(
            "cost {=str} ticks={=u64} frequency={=u64}",
            step,
            ticks,
            timer::frequency()
        );
    }
}

/// Logs the ticks to read the ID registers, and to open and close the alias of `text`, as each pass does.
pub fn log_parts(text: &Range<usize>) {
    let clock = Clock::start();
    black_box(IdRegs::read());
    clock.log("read");

    let clock = Clock::start();
    if Alias.open(text.start as u64..text.end as u64).is_ok() {
        Alias.close();
    }
    clock.log("alias");
}
