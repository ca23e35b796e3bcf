//! What the README shows.

use core::sync::atomic::AtomicU64;

use alt_runtime::boot::Detected;
use alt_runtime::cap::IdRegs;
use alt_runtime::patch::LinearAlias;
use alt_runtime::{Image, Room, alternative, text};

use crate::board::print;

// quick start
mod cpucaps {
    alt_runtime::cpucaps!("cpucaps.toml");
}
use cpucaps::LSE;

/// Adds to a counter that other CPUs use: in a loop, or at once where the CPU can.
pub fn add(counter: &AtomicU64, n: u64) {
    // SAFETY: each variant adds `n` in one atomic step, and keeps to the operands.
    unsafe {
        alternative!(
            "2: ldxr {new}, [{counter}]",
            "   add  {new}, {new}, {n}",
            "   stxr {failed:w}, {new}, [{counter}]",
            "   cbnz {failed:w}, 2b",
            LSE => ".arch_extension lse", "stadd {n}, [{counter}]",
            counter = in(reg) counter.as_ptr(), n = in(reg) n,
            new = out(reg) _, failed = out(reg) _, options(nostack),
        );
    }
}

/// For every instruction of every site, 12 bytes each.
static ROOM: Room<64> = Room::new();

/// On the boot CPU, before the others start.
pub fn adapt() {
    let detected = Detected::new(&cpucaps::TABLE, IdRegs::read()).expect("no conflicts");
    // SAFETY: the bounds of the executable text; the tables are mapped.
    let image = unsafe { Image::new(text!(text_begin, text_end)) };
    let mut image = image.with_room(ROOM.take().unwrap_or_default());
    // SAFETY: all memory is mapped where it is, and writable.
    let mut alias = unsafe { LinearAlias::new(0) };
    // SAFETY: no other CPU runs.
    match unsafe { detected.patch(&mut image, &mut alias) } {
        Ok(done) => print(format_args!("{}", done.report())),
        Err(why) => print(format_args!("not patched: {why}")),
    }
}
// quick start end
