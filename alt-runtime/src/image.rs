//! The region of the image that this code is linked into.

use core::mem::MaybeUninit;
use core::ops::Range;
use core::{arch::global_asm, slice};

use crate::arch::Write;
use crate::record::{AlternativeRecord, BranchRecord};
use crate::region::{Region, Table, Words};

// The section names are C identifiers, so the linker defines these bounds, with
// or without a script that names the sections. An image without a site has no
// such section; weak references are then null, and the table is empty.
global_asm!(
    ".weak __start_alt_branches, __stop_alt_branches",
    ".weak __start_alt_records, __stop_alt_records",
    ".weak __start_alt_replacements, __stop_alt_replacements",
    ".weak __start_alt_plan, __stop_alt_plan",
);

unsafe extern "C" {
    static __start_alt_branches: [BranchRecord; 0];
    static __stop_alt_branches: [BranchRecord; 0];
    static __start_alt_records: [AlternativeRecord; 0];
    static __stop_alt_records: [AlternativeRecord; 0];
    static __start_alt_replacements: [u32; 0];
    static __stop_alt_replacements: [u32; 0];
    static mut __start_alt_plan: [MaybeUninit<Write>; 0];
    static mut __stop_alt_plan: [MaybeUninit<Write>; 0];
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
    /// `text` must be the executable range, readable. The sections `alt_branches`,
    /// `alt_records`, `alt_replacements` and `alt_plan` must be mapped, the last
    /// one writable, and stay so while the value is in use. There must be only
    /// one such value at a time.
    pub unsafe fn new(text: Range<*const u32>) -> Self {
        let text_len = (text.end as usize).saturating_sub(text.start as usize) / 4;
        let branches = &raw const __start_alt_branches as *const BranchRecord;
        let branches_len = count(branches, &raw const __stop_alt_branches as *const _);
        let records = &raw const __start_alt_records as *const AlternativeRecord;
        let records_len = count(records, &raw const __stop_alt_records as *const _);
        let words = &raw const __start_alt_replacements as *const u32;
        let words_len = count(words, &raw const __stop_alt_replacements as *const _);
        let room = &raw mut __start_alt_plan as *mut MaybeUninit<Write>;
        let room_len = count(room, &raw mut __stop_alt_plan as *const _);
        // SAFETY: the linker bounds each section, the records in it are of the
        // types named (one layout version links), and the caller keeps the
        // memory mapped and makes only one value.
        unsafe {
            Self {
                region: Region {
                    text: Words::from_raw(text.start as u64, text.start, text_len),
                    branches: Table::new(
                        branches as u64,
                        slice::from_raw_parts(aligned(branches, branches_len), branches_len),
                    ),
                    alternatives: Table::new(
                        records as u64,
                        slice::from_raw_parts(aligned(records, records_len), records_len),
                    ),
                    replacements: Words::from_raw(words as u64, words, words_len),
                },
                room: slice::from_raw_parts_mut(
                    aligned(room, room_len) as *mut MaybeUninit<Write>,
                    room_len,
                ),
            }
        }
    }
}

/// Number of elements between two bounds.
fn count<T>(start: *const T, stop: *const T) -> usize {
    (stop as usize).saturating_sub(start as usize) / size_of::<T>()
}

/// An empty slice may not be null either.
fn aligned<T>(start: *const T, len: usize) -> *const T {
    if len == 0 {
        core::ptr::dangling()
    } else {
        start
    }
}
