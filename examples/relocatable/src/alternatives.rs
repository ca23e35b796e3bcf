//! All that alt-runtime needs of this kernel.

use crate::{console::print, memory};
use alt_runtime::{Image, Room, boot::System, patch::LinearAlias, text};

/// The cpucaps of this kernel.
pub mod cpucaps {
    alt_runtime::cpucaps!("cpucaps.toml");
}

static SYSTEM: System = System::new(&cpucaps::TABLE);
/// For each instruction of a site.
static ROOM: Room<64> = Room::new();

/// Patches the text, on the boot CPU, before the others start.
pub fn adapt(command_line: &str) {
    let room = ROOM.take().unwrap_or_default();
    // SAFETY: the bounds of the executable text; the tables are mapped.
    let mut image = unsafe { Image::new(text!(_stext, _etext)) }.with_room(room);
    // SAFETY: the linear map has all memory, writable, and stays.
    let mut alias = unsafe { LinearAlias::new(memory::LINEAR as u64) };
    // SAFETY: no other CPU runs; each calls `let_in` before it comes to a site.
    unsafe { SYSTEM.boot(command_line, &mut image, &mut alias, print) };
}

/// Whether another CPU may take part; asked by that CPU.
pub fn let_in() -> bool {
    // SAFETY: the boot CPU has returned from `adapt`, and this one has come to no site.
    unsafe { SYSTEM.join(print).is_ok() }
}
