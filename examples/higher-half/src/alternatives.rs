//! The integration of alt-runtime.

use crate::{console::print, memory};
use alt_runtime::{Image, Room, boot::System, patch::MappedAlias, text};

/// The cpucaps of this kernel.
pub mod cpucaps {
    alt_runtime::cpucaps!("cpucaps.toml");
}

static SYSTEM: System = System::new(&cpucaps::TABLE);
/// Room for the plan: one entry for each instruction of each site.
static ROOM: Room<64> = Room::new();

/// Patches the text. To be called on the boot CPU, before the others start.
pub fn apply(command_line: &str) {
    let room = ROOM.take().unwrap_or_default();
    // SAFETY: the linker script bounds the text by these symbols; the tables are mapped.
    let mut image = unsafe { Image::new(text!(_stext, _etext)) }.with_room(room);
    // SAFETY: the alias maps the pages of the text writable until it is closed.
    let mut alias = unsafe { MappedAlias::new(memory::open_alias, memory::close_alias) };
    // SAFETY: no other CPU runs; each calls `admit` before it reaches a site.
    unsafe { SYSTEM.boot(command_line, &mut image, &mut alias, print) };
}

/// Checks a CPU that was started later, on that CPU; `false` if it must be switched off.
pub fn admit() -> bool {
    // SAFETY: the boot CPU has returned from `apply`, and this CPU has not reached a site.
    unsafe { SYSTEM.join(print).is_ok() }
}
