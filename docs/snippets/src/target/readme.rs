//! README.md: two passes.

mod cpucaps {
    alt_runtime::cpucaps!("../../cpucaps.toml");
}

use core::fmt::Arguments;

use alt_runtime::boot::System;
use alt_runtime::patch::LinearAlias;
use alt_runtime::rendezvous::{HoldError, Rendezvous};
use alt_runtime::{Image, Room, text};

/// Ticks of the clock.
const PATIENCE: u64 = 1_000_000;

fn print(_: Arguments<'_>) {}
fn start_cpus() -> core::ops::Range<usize> {
    1..8
}
fn wake_cpus() {}
fn now() -> u64 {
    0
}
fn power_off() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

static SYSTEM: System = System::new(&cpucaps::TABLE);
static ROOM: Room<1024> = Room::new();
static RENDEZVOUS: Rendezvous<8> = Rendezvous::new();

/// On the boot CPU.
fn adapt(command_line: &str) {
    let room = ROOM.take().unwrap_or_default();
    // SAFETY: the bounds of the executable text; the tables are mapped.
    let mut image = unsafe { Image::new(text!(_stext, _etext)) }.with_room(room);
    // SAFETY: the text is mapped writable where it is, and stays so.
    let mut alias = unsafe { LinearAlias::new(0) };
    // SAFETY: no other CPU runs; each one calls `join` before it comes to a site.
    let is_patched = unsafe { SYSTEM.boot_early(command_line, &mut image, &mut alias, print) };
    let others = start_cpus(); // and wait until all have joined
    if is_patched {
        let held = RENDEZVOUS.hold(others, wake_cpus, now, PATIENCE);
        // SAFETY: all other CPUs have joined and are held.
        unsafe { SYSTEM.finalise(held, &mut image, &mut alias, print) };
    }
}

/// On each other CPU, once its MMU is on.
fn secondary(cpu: usize) {
    // SAFETY: this CPU has come to no site yet, and `print` has none.
    if !unsafe { SYSTEM.join(print) }.is_ok() {
        power_off();
    }
    if SYSTEM.is_settled() {
        return; // It came late: `join` has done all.
    }
    while !SYSTEM.is_settled() {
        RENDEZVOUS.attend(cpu); // From the idle loop: between two sites.
    }
    SYSTEM.enable_later();
}
