//! The region of the image that this code is linked into.

use core::mem::MaybeUninit;
use core::ops::Range;
use core::{arch::global_asm, slice};

use crate::arch::Write;
use crate::callback::Callback;
use crate::record::{AlternativeRecord, BranchRecord};
use crate::region::{Region, Table, Words};

// The section names are C identifiers, so the linker defines their bounds, with or
// without a script that names them. An image without a site has no such section;
// its references are weak. The offsets stand in data, not in instructions: what an
// `adrp` makes of an undefined symbol differs from one page of code to the next.
//
// They are wanted once, so they stand where the tables stand.
//
// Whatever links this reader agrees to the layout that it reads.
global_asm!(
    crate::__alt_layout!(),
    ".pushsection .init.rodata.__alt_bounds, \"a\"",
    ".balign 8",
    ".globl __alt_bounds",
    "__alt_bounds:",
    ".irp section, alt_branches, alt_records, alt_replacements, alt_plan, alt_callbacks",
    ".weak __start_\\section, __stop_\\section",
    ".xword __start_\\section - .",
    ".xword __stop_\\section - .",
    ".endr",
    ".popsection",
);

unsafe extern "C" {
    /// Start and end of each section, relative to the entry itself.
    static __alt_bounds: [[i64; 2]; 5];
}

/// Start and number of elements of the section with this index.
#[inline(always)]
fn bounds<T>(section: usize) -> (*mut T, usize) {
    // SAFETY: the table is constant.
    let [start, stop] = unsafe { &__alt_bounds[section] };
    let address = |entry: &i64| (&raw const *entry as usize).wrapping_add_signed(*entry as isize);
    // An offset from nothing: GNU ld takes the symbol for 0, and the bounds agree;
    // lld takes it for the entry itself.
    let is_there = *start != 0;
    let (start, stop) = (address(start), address(stop));
    match stop.saturating_sub(start) / size_of::<T>() * usize::from(is_there) {
        // Not even an empty slice may be null.
        0 => (core::ptr::dangling_mut(), 0),
        len => (start as *mut T, len),
    }
}

/// The running image: its region, and the room for the plan that its linker
/// reserved.
pub struct Image {
    /// The text and tables.
    pub region: Region<'static>,
    /// Room for one write to each word of each site.
    pub room: &'static mut [MaybeUninit<Write>],
}

impl Image {
    /// Finds the tables of the running image, whose text is at `text`.
    ///
    /// # Safety
    /// `text` must be the executable range, readable and aligned to 4. The sections `alt_branches`,
    /// `alt_records`, `alt_replacements`, `alt_callbacks` and `alt_plan` must be
    /// mapped, the last one writable, and stay so while the value is in use. There must be only
    /// one such value at a time.
    // The only code that names the init region; it goes with it.
    #[inline(never)]
    #[unsafe(link_section = ".init.text.alt_image")]
    pub unsafe fn new(text: Range<*const u32>) -> Self {
        let text_len = (text.end as usize).saturating_sub(text.start as usize) / 4;
        let (branches, branches_len) = bounds::<BranchRecord>(0);
        let (records, records_len) = bounds::<AlternativeRecord>(1);
        let (words, words_len) = bounds::<u32>(2);
        let (room, room_len) = bounds::<MaybeUninit<Write>>(3);
        let (callbacks, callbacks_len) = bounds::<Callback>(4);
        // SAFETY: the linker bounds each section, the records in it are of the
        // types named (one layout version links), and the caller keeps the
        // memory mapped and makes only one value.
        unsafe {
            Self {
                region: Region {
                    text: Words::from_raw(text.start as u64, text.start, text_len),
                    branches: Table::new(
                        branches as u64,
                        slice::from_raw_parts(branches, branches_len),
                    ),
                    alternatives: Table::new(
                        records as u64,
                        slice::from_raw_parts(records, records_len),
                    ),
                    replacements: Words::from_raw(words as u64, words, words_len),
                    callbacks: Table::new(
                        callbacks as u64,
                        slice::from_raw_parts(callbacks, callbacks_len),
                    ),
                },
                room: slice::from_raw_parts_mut(room, room_len),
            }
        }
    }
}
