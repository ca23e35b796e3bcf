//! The two passes, as docs/integration.md shows them.

use alt_runtime::boot::System;
use alt_runtime::cap::Enable;
use alt_runtime::patch::LinearAlias;
use alt_runtime::rendezvous::Rendezvous;
use alt_runtime::{Image, Room, text};

use crate::board::{now, print};
use crate::cpucaps;
use crate::smp::{self, power_off, start_cpus, wake_cpus};
use crate::work::work;

/// Time limit for the rendezvous, in the unit of `now`.
const TIMEOUT: u64 = 5_000;

const HOOKS: &[Enable] = &[
    Enable {
        cap: cpucaps::CRC32,
        run: |_| smp::has_joined(),
    },
    Enable {
        cap: cpucaps::LSE,
        run: |_| smp::has_enabled_lse(),
    },
];

static SYSTEM: System = System::new(&cpucaps::TABLE).with_hooks(HOOKS);
/// Room for the plan: one entry for each instruction of each site.
static ROOM: Room<64> = Room::new();

static RENDEZVOUS: Rendezvous<8> = Rendezvous::new();

/// On the boot CPU.
pub fn adapt(command_line: &str) {
    let room = ROOM.take().unwrap_or_default();
    // SAFETY: the bounds of the executable text; the tables are mapped.
    let mut image = unsafe { Image::new(text!(text_begin, text_end)) }.with_room(room);
    // SAFETY: the text is mapped writable where it is, and stays so.
    let mut alias = unsafe { LinearAlias::new(0) };
    // SAFETY: no other CPU runs; each one calls `join` before it reaches a site.
    let is_patched = unsafe { SYSTEM.boot_early(command_line, &mut image, &mut alias, print) };
    let others = start_cpus(); // and wait until all have joined
    if is_patched {
        let stopped = RENDEZVOUS.stop_all(others, wake_cpus, now, TIMEOUT);
        // SAFETY: all other CPUs have joined and are stopped.
        unsafe { SYSTEM.finalise(stopped, &mut image, &mut alias, print) };
    }
}

/// On each other CPU, once its MMU is on.
pub fn secondary(cpu: usize) {
    // SAFETY: this CPU has not reached a site, and `print` has none.
    if !unsafe { SYSTEM.join(print) }.is_ok() {
        power_off();
    }
    if SYSTEM.is_settled() {
        return; // After the last pass, `join` is sufficient.
    }
    while !SYSTEM.is_settled() {
        work(cpu); // May execute sites: those of boot scope are patched.
        RENDEZVOUS.wait_if_requested(cpu); // From the idle loop: between two sites.
    }
    SYSTEM.enable_later();
}

/// On a CPU that is busy with something else until the last pass is over.
pub fn absent() {
    // SAFETY: this CPU has not reached a site, and `print` has none.
    if !unsafe { SYSTEM.join(print) }.is_ok() {
        power_off();
    }
    while !SYSTEM.is_settled() {
        core::hint::spin_loop();
    }
    SYSTEM.enable_later();
}
