//! Integration of alt-runtime.

use crate::{console::print, memory};
use alt_runtime::{Image, Room, boot::System, patch::MappedAlias, text};

/// The cpucaps of this kernel.
pub mod cpucaps {
    alt_runtime::cpucaps!("cpucaps.toml");
}

static SYSTEM: System = System::new(&cpucaps::TABLE);
/// Room for the plan: one entry for each instruction of each site.
static ROOM: Room<64> = Room::new();

/// Patches the text, on the boot CPU, before the others start.
pub fn adapt(command_line: &str) {
    let room = ROOM.take().unwrap_or_default();
    // SAFETY: the bounds of the executable text; the tables are mapped.
    let mut image = unsafe { Image::new(text!(_stext, _etext)) }.with_room(room);
    // SAFETY: the pages of the text are mapped writable until they are unmapped.
    let mut alias = unsafe { MappedAlias::new(memory::open_alias, memory::close_alias) };
    // SAFETY: no other CPU runs; each calls `let_in` before it comes to a site.
    unsafe { SYSTEM.boot(command_line, &mut image, &mut alias, print) };
}

/// Admits the calling CPU, one that was started later; `false` if it must stay off.
pub fn let_in() -> bool {
    // SAFETY: the boot CPU has returned from `adapt`, and this one has come to no site.
    unsafe { SYSTEM.join(print).is_ok() }
}
