//! Page tables of EL1: W^X for everything, and changes of rights.
//!
//! Virtual addresses are physical ones, except for the alias of the text and for the page of a user.

use core::ops::Range;

use aarch64_cpu::asm::barrier;
use aarch64_paging::descriptor::El1Attributes;
use aarch64_paging::paging::{El1And0, MemoryRegion, VaRange};
use aarch64_rt::InitialPagetable;
use spin::Once;
use spin::mutex::SpinMutex;

use super::board::PAGE;
use super::tables::{ASID, Page, Pool, Tables, map, repeat_tlbi};
use super::{alias, image};

pub use super::tables::Rights;

/// The address at which the user's page is mapped.
const USER: usize = 0x10_0000_0000;

// Blocks of 1 GiB (Arm ARM D8.3.1.2): valid, not global, accessed, inner shareable, with index 0
// (device) or 1 (normal) into `DEFAULT_MAIR` of aarch64-rt.
const BLOCK: usize = 1 | 1 << 11 | 1 << 10 | 3 << 8;

/// The table with which each CPU turns its MMU on: devices, and memory that is writable and
/// executable. No site runs with it. Its entries belong to ASID 0, so no TLB entry of it is used
/// after [`protect`] or [`protect_secondary`].
pub static INITIAL_TABLE: InitialPagetable = {
    let mut table = [0; 512];
    table[0] = BLOCK | 1 << 54 | 1 << 53;
    table[1] = 0x4000_0000 | BLOCK | 1 << 2;
    InitialPagetable(table)
};

static TABLES: Once<SpinMutex<Tables>> = Once::new();
static USER_PAGE: SpinMutex<Page> = SpinMutex::new(Page([0; PAGE]));

/// Whole pages to be mapped at their physical address, with these rights.
pub struct MapEntry {
    pub pages: Range<usize>,
    pub rights: Rights,
}

/// Maps the entries and the user's page, prepares the alias of the text, and leaves the initial table.
/// To be called once, by the boot CPU.
pub fn protect(entries: impl IntoIterator<Item = MapEntry>) {
    let mut tables = Tables::with_asid_and_va_range(Pool, ASID, 1, El1And0, VaRange::Lower);
    for MapEntry { pages, rights } in entries {
        map(&mut tables, pages.clone(), pages.start, rights.attributes());
    }
    let user = USER_PAGE.lock().0.as_ptr() as usize;
    let rights = Rights::ReadWrite.attributes() | El1Attributes::USER;
    map(&mut tables, USER..USER + PAGE, user, rights);
    alias::prepare(tables.root_address());
    // SAFETY: the kernel's parts stay mapped at their addresses and lose only rights that they do
    // not use.
    unsafe { tables.activate() };
    TABLES.call_once(|| SpinMutex::new(tables));
}

/// Leaves the initial table on a secondary CPU.
pub fn protect_secondary() {
    if let Some(tables) = TABLES.get() {
        // SAFETY: as in `protect`.
        unsafe { tables.lock().activate() };
    }
}

/// Changes the rights to whole pages that are mapped at their physical address. All CPUs observe
/// the new rights on return.
///
/// # Safety
/// Nothing may depend on the rights that are lost.
pub unsafe fn set_rights(pages: Range<usize>, rights: Rights) {
    change(pages, rights.attributes());
}

/// Unmaps whole pages, also from the alias of the text. All CPUs observe it on return.
///
/// # Safety
/// Nothing may use the pages.
pub unsafe fn unmap(pages: Range<usize>) {
    alias::unmap(&pages);
    change(pages, El1Attributes::empty());
}

fn change(pages: Range<usize>, rights: El1Attributes) {
    if let Some(tables) = TABLES.get().filter(|_| !pages.is_empty()) {
        map(&mut tables.lock(), pages.clone(), pages.start, rights);
        barrier::dsb(barrier::ISH);
        repeat_tlbi();
        barrier::isb(barrier::SY);
    }
}

/// Number of these pages that the kernel can execute.
pub fn executable_pages(pages: Range<usize>) -> usize {
    let mut count = 0;
    if let Some(tables) = TABLES.get() {
        let walked = tables.lock().walk_range(
            &MemoryRegion::new(pages.start, pages.end),
            &mut |_, descriptor, _| {
                count += usize::from(!descriptor.flags().contains(El1Attributes::PXN));
                Ok(())
            },
        );
        walked.expect("the range is in the map");
    }
    count
}

/// Frees the init region: unmaps it and returns its size in bytes. A kernel with an allocator would
/// add the memory to it.
///
/// # Safety
/// Nothing may use the region any more, neither its boot code nor the tables of the alternatives.
pub unsafe fn free_init() -> usize {
    let init = image::init();
    // SAFETY: the caller's promise.
    unsafe { unmap(init.clone()) };
    init.len()
}

/// Writes `word` to the start of a page that EL0 may read and write, and returns its address.
pub fn user_page(word: u32) -> *const u32 {
    USER_PAGE.lock().0[..4].copy_from_slice(&word.to_ne_bytes());
    USER as *const u32
}
