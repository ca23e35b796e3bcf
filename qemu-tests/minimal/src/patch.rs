//! The integration of alt-runtime: one site, a table of 73 cpucaps.

use alt_runtime::boot::Detected;
use alt_runtime::cap::IdRegs;
use alt_runtime::patch::LinearAlias;
use alt_runtime::{Image, Room, cpu_has_cap, text};

mod cpucaps {
    #![allow(dead_code, reason = "one is used")]
    alt_runtime::cpucaps!("../bench/cpucaps-73.toml");
}

static ROOM: Room<1> = Room::new();

/// Patches the text. Returns whether the site is as the cpucaps are.
pub fn apply() -> bool {
    match Detected::new(&cpucaps::TABLE, IdRegs::read()) {
        Ok(detected) => patch(&detected),
        Err(why) => refused(&why),
    }
}

fn patch(detected: &Detected) -> bool {
    let room = ROOM.take().unwrap_or_default();
    // SAFETY: the linker script bounds the text by these symbols; the tables are mapped.
    let mut image = unsafe { Image::new(text!(text_begin, text_end)) }.with_room(room);
    // SAFETY: the text is always mapped writable, at its own address.
    let mut alias = unsafe { LinearAlias::new(0) };
    // SAFETY: no other CPU is ever started.
    match unsafe { detected.patch(&mut image, &mut alias) } {
        Ok(done) => {
            #[cfg(feature = "format")]
            crate::board::print(format_args!("{}", done.report()));
            done.has(cpucaps::LSE) == cpu_has_cap!(unlikely cpucaps::LSE)
        }
        Err(why) => refused(&why),
    }
}

#[cfg(feature = "format")]
fn refused(why: &dyn core::fmt::Display) -> bool {
    crate::board::print(format_args!("{why}"));
    false
}

/// A kernel without formatting.
#[cfg(not(feature = "format"))]
fn refused<T>(_: &T) -> bool {
    false
}
