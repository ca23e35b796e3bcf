//! Memory of a variant that is not in use.

use defmt::info;

use super::variant::Variant;
use crate::kernel::Failed;
use crate::memory::{self, Rights};

/// What is left in it: BRK #0x100, which no one executes by mistake.
const POISON: u32 = 0xd420_2000;

/// Poisons a variant, takes it out of the kernel's map and counts its bytes. A kernel with an
/// allocator would hand them over.
pub fn variant(variant: &Variant) -> Result<(), Failed> {
    let parts = variant.bounds();
    let mut bytes = 0;
    for part in [parts.text, parts.rodata, parts.data, parts.bss] {
        // SAFETY: nothing of the variant is executed or read any more.
        unsafe { memory::set_rights(part.clone(), Rights::ReadWrite) };
        for word in part.clone().step_by(4) {
            // SAFETY: the word is mapped for writing now, and no one else's.
            unsafe { (word as *mut u32).write_volatile(POISON) };
        }
        bytes += part.len();
        // SAFETY: as above.
        unsafe { memory::unmap(part) };
    }
    info!("hyp given-back {=str} bytes={=usize}", variant.name, bytes);
    Ok(())
}
