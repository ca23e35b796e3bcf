//! The tables of the image that this code is linked into.

#[cfg(all(target_arch = "aarch64", target_os = "none"))]
use core::arch::global_asm;
use core::mem::MaybeUninit;
use core::ops::Range;
use core::slice;

use super::Image;
use crate::callback::Callback;
use crate::record::{AlternativeRecord, BranchRecord, Section};
use crate::region::{Region, Table, Text, Words};
use crate::room::PlannedWrite;

// The section names are C identifiers, so the linker defines their bounds, with or
// without a script that names them. An image without a site has no such section;
// its references are weak, and hidden, since GNU ld refuses offsets to what a shared
// object might add. The offsets are in data, not in instructions, because linkers resolve an
// `adrp` of an undefined symbol to different values in different pages of code.
//
// Two empty sections serve the fragments. `alt_plan_room` gives the output section `alt_plan` the
// flag WRITE, since lld copies the flags of the section before to one without input.
// `alt_plan_size` makes that section exist in each link, since GNU ld refuses SIZEOF otherwise. So
// its bounds are not weak: the link fails if a script places the tables where the linker does not
// define their bounds, such as by the pattern `*(alt_*)`, or discards them.
//
// A link of this reader with records of another layout fails.
#[cfg(all(target_arch = "aarch64", target_os = "none"))]
global_asm!(
    crate::__alt_layout!(),
    ".pushsection alt_plan_room, \"aw\", @nobits",
    ".Lalt_plan:",
    ".popsection",
    ".pushsection alt_plan_size, \"R\", @nobits",
    ".popsection",
    ".pushsection .rodata.alt_bounds, \"a\"",
    ".balign 8",
    ".globl __alt_bounds",
    "__alt_bounds:",
    ".reloc ., R_AARCH64_NONE, .Lalt_plan",
    crate::__alt_each_section!(),
    ".ifnc \\section, alt_plan_size",
    ".weak __start_\\section, __stop_\\section",
    ".endif",
    ".hidden __start_\\section, __stop_\\section",
    ".xword __start_\\section - .",
    ".xword __stop_\\section - .",
    ".endr",
    ".popsection",
);

unsafe extern "C" {
    /// Start and end of each section, relative to the entry itself.
    static __alt_bounds: [[i64; 2]; Section::ALL.len()];
}

/// Start and number of elements of a section.
#[inline(always)]
fn bounds<T>(section: Section) -> (*mut T, usize) {
    // SAFETY: the assembler text above defines the table, in read-only data.
    let [start, stop] = unsafe { &__alt_bounds[section as usize] };
    let address = |entry: &i64| (&raw const *entry as usize).wrapping_add_signed(*entry as isize);
    // A weak symbol that is not defined: GNU ld resolves it to 0, for both bounds; lld to the entry itself.
    let is_there = *start != 0;
    let (start, stop) = (address(start), address(stop));
    match stop.saturating_sub(start) / size_of::<T>() * usize::from(is_there) {
        // Not even an empty slice may be null.
        0 => (core::ptr::dangling_mut(), 0),
        len => (start as *mut T, len),
    }
}

/// The text between two symbols of the linker script, as [`Image::new`] takes it:
/// `text!(_stext, _etext)`.
#[macro_export]
macro_rules! text {
    ($start:ident, $end:ident $(,)?) => {{
        unsafe extern "C" {
            static $start: [u32; 0];
            static $end: [u32; 0];
        }
        (&raw const $start).cast::<u32>()..(&raw const $end).cast::<u32>()
    }};
}

impl<'a> Image<'a> {
    /// Finds the tables of the running image, whose text is at `text`. The room for the plan is
    /// the memory that alternatives-init.x reserves. Without this fragment the image has no room: pass one to
    /// [`with_room`](Self::with_room).
    ///
    /// # Safety
    /// As for [`of_text`](Self::of_text), of the words at `text`.
    pub unsafe fn new(text: Range<*const u32>) -> Self {
        let len = (text.end as usize).saturating_sub(text.start as usize) / 4;
        // SAFETY: the caller's promise.
        unsafe { Self::of_text(Words::from_raw(text.start as u64, text.start, len).into()) }
    }

    /// The same for a text of several ranges.
    ///
    /// # Safety
    /// `text` must be the executable words, readable and aligned to 4. The sections
    /// `alt_branches`, `alt_records`, `alt_replacements`, `alt_callbacks` and, where
    /// alternatives-init.x is included, `alt_plan` must be mapped, the last one writable, and stay
    /// so for `'a`. There must be only one such value at a time.
    pub unsafe fn of_text(text: Text<'a>) -> Self {
        let (branches, branches_len) = bounds::<BranchRecord>(Section::Branches);
        let (records, records_len) = bounds::<AlternativeRecord>(Section::Alternatives);
        let (words, words_len) = bounds::<u32>(Section::Replacements);
        let (room, room_len) = bounds::<MaybeUninit<PlannedWrite>>(Section::Plan);
        let (callbacks, callbacks_len) = bounds::<Callback>(Section::Callbacks);
        let (_, linked) = bounds::<PlannedWrite>(Section::PlanSize);
        // SAFETY: the linker bounds each section, the records in it are of the
        // types named (one layout version links), and the caller keeps the
        // memory mapped and makes only one value.
        unsafe {
            let region = Region {
                text,
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
            };
            Self::of_region(region, slice::from_raw_parts_mut(room, room_len)).linked(linked)
        }
    }
}
