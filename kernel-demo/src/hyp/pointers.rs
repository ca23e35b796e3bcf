//! The absolute pointers of the hypervisor: the link has made them for the kernel's addresses.
//!
//! Their lists are in the init region, and so is what reads them.

use core::ops::Range;
use core::slice;

use alt_runtime::pointers::{self, PointerError, Shift, Slots};
use alt_runtime::region::Table;
use defmt::{Display2Format, error, info};

use super::layout::to_hyp;
use super::variant::Variant;
use crate::kernel::Failed;
use crate::memory::{self, Rights};

unsafe extern "C" {
    static __hyp_nvhe_pointers_start: i32;
    static __hyp_nvhe_pointers_end: i32;
    static __hyp_vhe_pointers_start: i32;
    static __hyp_vhe_pointers_end: i32;
}

/// Corrects the pointers of a variant for where it is going to run; then its constants are constant.
#[inline(never)]
#[unsafe(link_section = ".init.text")]
pub fn correct(variant: &Variant) -> Result<(), Failed> {
    match fix(variant) {
        Ok(count) => info!("hyp pointers={=usize} fixed", count),
        Err(why) => {
            error!("hyp pointers: {}", Display2Format(&why));
            return Err(Failed);
        }
    }
    // A mistake that nothing else would show before it is too late.
    match fix(variant) {
        Err(why @ PointerError::AlreadyFixed { .. }) => {
            info!("hyp pointers a second time: {}", Display2Format(&why));
        }
        other => {
            error!("hyp pointers can be fixed twice: {}", other);
            return Err(Failed);
        }
    }
    // SAFETY: nothing writes the constants any more.
    unsafe { memory::set_rights(variant.bounds().rodata, Rights::ReadOnly) };
    Ok(())
}

#[inline(never)]
#[unsafe(link_section = ".init.text")]
fn fix(variant: &Variant) -> Result<usize, PointerError> {
    let parts = variant.bounds();
    let (list, end) = match variant.e2h {
        false => (
            &raw const __hyp_nvhe_pointers_start,
            &raw const __hyp_nvhe_pointers_end,
        ),
        true => (
            &raw const __hyp_vhe_pointers_start,
            &raw const __hyp_vhe_pointers_end,
        ),
    };
    let len = (end as usize).saturating_sub(list as usize) / size_of::<i32>();
    // SAFETY: the link has bounded the list, which is in the init region.
    let list = Table::new(list as u64, unsafe { slice::from_raw_parts(list, len) });
    let image = memory::image();
    let shift = Shift::new(image.clone(), to_hyp(image.start))?;
    pointers::fix(&list, &[slots(parts.rodata), slots(parts.data)], &shift)
}

fn slots(part: Range<usize>) -> Slots<'static> {
    // SAFETY: the part is whole pages, mapped for writing; no one else looks at it before it is
    // installed.
    unsafe { Slots::from_raw(part.start as u64, part.start as *mut u64, part.len() / 8) }
}
