//! The absolute pointers of the hypervisor: the link has made them for the kernel's addresses.

use core::ops::Range;

use defmt::info;

use super::layout;
use super::variant::Variant;
use crate::kernel::Failed;
use crate::memory::{self, Rights};

/// Corrects the pointers of a variant for where it is going to run; then its constants are constant.
pub fn correct(variant: &Variant) -> Result<(), Failed> {
    let parts = variant.bounds();
    let image = parts.text.start as u64..parts.text.end as u64;
    let _ = image;
    let count = stand_in(&parts.pointers);
    info!("hyp pointers={=usize} fixed", count);
    // SAFETY: nothing writes the constants any more.
    unsafe { memory::set_rights(parts.rodata, Rights::ReadOnly) };
    Ok(())
}

fn stand_in(table: &Range<*const i32>) -> usize {
    let mut entry = table.start;
    let mut count = 0;
    while entry < table.end {
        // SAFETY: the entry is in the table, and what it points to a pointer of the hypervisor.
        unsafe {
            let pointer = entry.byte_offset(entry.read() as isize) as *mut u64;
            pointer.write_unaligned(layout::to_hyp(pointer.read_unaligned()));
            entry = entry.add(1);
        }
        count += 1;
    }
    count
}
