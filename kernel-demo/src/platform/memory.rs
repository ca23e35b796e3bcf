//! Page tables of EL1: W^X for everything, changes of rights, and the writable alias of the text.
//!
//! Virtual addresses are physical ones, except for the alias and for the page of a user.

use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use aarch64_cpu::asm::barrier;
use aarch64_paging::Mapping;
use aarch64_paging::descriptor::{El1Attributes, PagingAttributes, PhysicalAddress};
use aarch64_paging::paging::{Constraints, El1And0, MemoryRegion, PageTable, Translation, VaRange};
use aarch64_rt::InitialPagetable;
use alt_runtime::alternative;
use alt_runtime::patch::WritableAlias;
use spin::Once;
use spin::mutex::SpinMutex;

use super::board::PAGE;
use super::image;
use crate::cpucaps::REPEAT_TLBI;

/// Distance from the text to its writable alias.
const ALIAS_OFFSET: usize = 0x40_0000_0000;
/// The address at which the user's page is mapped.
const USER: usize = 0x10_0000_0000;
const ASID: usize = 1;

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

type Tables = Mapping<Pool, El1And0>;
static TABLES: Once<SpinMutex<Tables>> = Once::new();
static USER_PAGE: SpinMutex<Page> = SpinMutex::new(Page([0; PAGE]));

/// Access rights of the kernel to pages; none are both writable and executable.
#[derive(Clone, Copy)]
pub enum Rights {
    /// Read and write device memory.
    Device,
    ReadOnly,
    ReadWrite,
    /// Read and execute.
    Execute,
}

impl Rights {
    const fn attributes(self) -> El1Attributes {
        const MAPPED: El1Attributes = El1Attributes::VALID
            .union(El1Attributes::ACCESSED)
            .union(El1Attributes::NON_GLOBAL)
            .union(El1Attributes::INNER_SHAREABLE)
            .union(El1Attributes::UXN);
        const NORMAL: El1Attributes = MAPPED.union(El1Attributes::ATTRIBUTE_INDEX_1);
        const DEVICE: El1Attributes = MAPPED.union(El1Attributes::ATTRIBUTE_INDEX_0);
        match self {
            Self::Device => DEVICE.union(El1Attributes::PXN),
            Self::ReadOnly => NORMAL
                .union(El1Attributes::PXN)
                .union(El1Attributes::READ_ONLY),
            Self::ReadWrite => NORMAL.union(El1Attributes::PXN),
            Self::Execute => NORMAL.union(El1Attributes::READ_ONLY),
        }
    }
}

/// Whole pages to be mapped at their physical address, with these rights.
pub struct MapEntry {
    pub pages: Range<usize>,
    pub rights: Rights,
}

/// Maps the entries and the user's page, and leaves the initial table. To be called once, by the
/// boot CPU.
pub fn protect(entries: impl IntoIterator<Item = MapEntry>) {
    let mut tables = Tables::with_asid_and_va_range(Pool, ASID, 1, El1And0, VaRange::Lower);
    for MapEntry { pages, rights } in entries {
        map(&mut tables, pages.clone(), pages.start, rights.attributes());
    }
    let user = USER_PAGE.lock().0.as_ptr() as usize;
    let rights = Rights::ReadWrite.attributes() | El1Attributes::USER;
    map(&mut tables, USER..USER + PAGE, user, rights);
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

fn map(tables: &mut Tables, range: Range<usize>, physical: usize, rights: El1Attributes) {
    tables
        .map_range(
            &MemoryRegion::new(range.start, range.end),
            PhysicalAddress(physical),
            rights,
            // With pages only, no change of rights requires break-before-make.
            Constraints::NO_BLOCK_MAPPINGS | Constraints::NO_CONTIGUOUS_HINT,
        )
        .expect("the pool holds enough tables for the kernel");
}

/// Changes the rights to whole pages that are mapped at their physical address. All CPUs observe
/// the new rights on return.
///
/// # Safety
/// Nothing may depend on the rights that are lost.
pub unsafe fn set_rights(pages: Range<usize>, rights: Rights) {
    change(pages, rights.attributes());
}

/// Unmaps whole pages. All CPUs observe it on return.
///
/// # Safety
/// Nothing may use the pages.
pub unsafe fn unmap(pages: Range<usize>) {
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

/// The address at which a word of the text is writable while the alias is open.
pub fn alias_of(word: *mut u32) -> *mut u32 {
    word.wrapping_byte_add(ALIAS_OFFSET)
}

/// The writable alias of the text, 256 GiB above it, mapped during a pass only.
pub struct Alias;

// SAFETY: while the alias is open, it maps the text's own pages, writable and with the same memory
// attributes; `close` removes the mapping and its TLB entries.
unsafe impl WritableAlias for Alias {
    type Error = &'static str;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Self::Error> {
        let text = text.start as usize..text.end as usize;
        let start = text.start;
        map_alias(text, start)?;
        Ok(alias_of(start as *mut u32))
    }

    fn close(&mut self) {
        let text = image::text();
        let start = text.start;
        // Descriptors that are not VALID; the change invalidates the TLB entries.
        if remap_alias(text, start, El1Attributes::empty()).is_ok() {
            repeat_tlbi();
        }
    }
}

/// Maps the alias of `text` to the memory at `physical`, read-write.
pub fn map_alias(text: Range<usize>, physical: usize) -> Result<(), &'static str> {
    remap_alias(text, physical, Rights::ReadWrite.attributes())
}

fn remap_alias(
    text: Range<usize>,
    physical: usize,
    rights: El1Attributes,
) -> Result<(), &'static str> {
    let mut tables = TABLES.get().ok_or("memory is not set up")?.lock();
    let alias = text.start + ALIAS_OFFSET..text.end + ALIAS_OFFSET;
    map(&mut tables, alias, physical, rights);
    barrier::dsb(barrier::ISH);
    barrier::isb(barrier::SY);
    Ok(())
}

/// Repeats TLBI and DSB on CPUs that may lose the first ones (Cortex-A76 erratum 1286807 and
/// similar ones).
fn repeat_tlbi() {
    // SAFETY: invalidating TLB entries affects timing only.
    unsafe {
        alternative!(
            "nop",
            "nop",
            REPEAT_TLBI => "tlbi vmalle1is", "dsb ish",
            options(nostack, preserves_flags),
        );
    }
}

/// A page of memory, aligned to its size.
#[repr(C, align(4096))]
struct Page([u8; PAGE]);

/// Memory for the page tables of both exception levels: a static array of pages, each of which is
/// handed out once and never freed.
pub struct Pool;

/// Number of pages in the pool.
const POOL_SIZE: usize = 48;
static mut POOL: [MaybeUninit<Page>; POOL_SIZE] = [const { MaybeUninit::uninit() }; POOL_SIZE];
static NEXT: AtomicUsize = AtomicUsize::new(0);

impl<A: PagingAttributes> Translation<A> for Pool {
    fn allocate_table(&mut self) -> (NonNull<PageTable<A>>, PhysicalAddress) {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(next < POOL_SIZE, "out of page tables");
        // SAFETY: `next` is in bounds; the page is handed out only here, once.
        let page = unsafe {
            let page = (&raw mut POOL).cast::<Page>().add(next);
            page.write_bytes(0, 1);
            NonNull::new_unchecked(page.cast())
        };
        (page, PhysicalAddress(page.as_ptr() as usize))
    }

    unsafe fn deallocate_table(&mut self, _: NonNull<PageTable<A>>) {
        // The tables are in use as long as the kernel runs.
    }

    fn physical_to_virtual(&self, pa: PhysicalAddress) -> NonNull<PageTable<A>> {
        NonNull::new(pa.0 as *mut _).expect("a table is not at address 0")
    }
}
