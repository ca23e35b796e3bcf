//! The integration of alt-runtime.

use alt_runtime::boot::System;
use alt_runtime::patch::LinearAlias;
use alt_runtime::{Image, Room, text};

use crate::board::print;

/// The cpucaps of this kernel.
pub mod cpucaps {
    alt_runtime::cpucaps!("cpucaps.toml");
}

static SYSTEM: System = System::new(&cpucaps::TABLE);
/// Room for the plan: one entry for each instruction of each site.
static ROOM: Room<64> = Room::new();

/// Patches the text. To be called on the boot CPU, before others start.
pub fn apply() {
    let room = ROOM.take().unwrap_or_default();
    // SAFETY: the linker script bounds the text by these symbols; the tables are mapped.
    let mut image = unsafe { Image::new(text!(text_begin, text_end)) }.with_room(room);
    // SAFETY: the text is always mapped writable, at its own address.
    let mut alias = unsafe { LinearAlias::new(0) };
    // SAFETY: no other CPU is ever started.
    unsafe { SYSTEM.boot("", &mut image, &mut alias, print) };
}
