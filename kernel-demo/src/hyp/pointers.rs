//! The absolute pointers of the hypervisor, which the linker has resolved to kernel addresses.
//!
//! The lists of them are in the init region, and so is the code that reads the lists.

use core::ops::Range;
use core::slice;

use alt_runtime::pointers::{self, PointerError, Shift, Slots};
use alt_runtime::region::Table;
use defmt::{Display2Format, error, info};

use super::layout::to_hyp;
use super::variant::Variant;
use crate::platform::image;
use crate::platform::memory::{self, Rights};
use crate::platform::outcome::Failed;

unsafe extern "C" {
    static __hyp_nvhe_pointers_start: i32;
    static __hyp_nvhe_pointers_end: i32;
    static __hyp_vhe_pointers_start: i32;
    static __hyp_vhe_pointers_end: i32;
}

/// Corrects the pointers of a variant to hypervisor addresses, and makes its constants read-only.
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
    // A second correction would corrupt the pointers, so it must be refused.
    match fix(variant) {
        Err(why @ PointerError::AlreadyFixed { .. }) => {
            info!("hyp pointers a second time: {}", Display2Format(&why));
        }
        other => {
            error!("hyp pointers can be fixed twice: {}", other);
            return Err(Failed);
        }
    }
    // SAFETY: nothing writes to the constants any more.
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
    // SAFETY: the linker defines the bounds of the list, which is mapped.
    let list = Table::new(list as u64, unsafe { slice::from_raw_parts(list, len) });
    let image = image::all();
    let image = image.start as u64..image.end as u64;
    let shift = Shift::new(image.clone(), to_hyp(image.start))?;
    pointers::fix(&list, &[slots(parts.rodata), slots(parts.data)], &shift)
}

fn slots(part: Range<usize>) -> Slots<'static> {
    // SAFETY: the part is whole pages, mapped for writing; nothing else accesses it before the
    // variant is installed.
    unsafe { Slots::from_raw(part.start as u64, part.start as *mut u64, part.len() / 8) }
}
