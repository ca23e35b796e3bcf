//! Memory of a variant that is not in use.

use alt_runtime::Maintenance;
use defmt::info;

use super::variant::Variant;
use crate::memory::{self, Rights};

/// What is left in it: BRK #0x100, which no one executes by mistake.
const POISON: u32 = 0xd420_2000;

/// Poisons a variant, takes it out of the kernel's map and counts its bytes. A kernel with an
/// allocator would hand them over.
pub fn variant(variant: &Variant, maintenance: Maintenance) {
    let parts = variant.bounds();
    let mut bytes = 0;
    for part in [parts.text.clone(), parts.rodata, parts.data, parts.bss] {
        // SAFETY: nothing of the variant is executed or read any more.
        unsafe { memory::set_rights(part.clone(), Rights::ReadWrite) };
        for word in part.clone().step_by(4) {
            // SAFETY: the word is mapped for writing now, and no one else's.
            unsafe { (word as *mut u32).write_volatile(POISON) };
        }
        if part == parts.text {
            // No instruction cache keeps what it was.
            // SAFETY: the text is mapped, and no CPU executes it.
            unsafe { maintenance.sync(part.start as u64..part.end as u64) };
        }
        bytes += part.len();
        // SAFETY: as above.
        unsafe { memory::unmap(part) };
    }
    info!("hyp given-back {=str} bytes={=usize}", variant.name, bytes);
}
