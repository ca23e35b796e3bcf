//! Memory: every page writable or executable, never both; and the patcher's
//! alias.

use core::ops::Range;

use aarch64_cpu::asm::barrier;
use aarch64_paging::Mapping;
use aarch64_paging::descriptor::{El1Attributes, PhysicalAddress};
use aarch64_paging::paging::{Constraints, El1And0, MemoryRegion, VaRange};
use aarch64_rt::InitialPagetable;
use alt_runtime::alternative;
use alt_runtime::patch::WritableAlias;
use spin::Once;
use spin::mutex::SpinMutex;

use crate::cpucaps::REPEAT_TLBI;
use crate::pool::{Page, Pool};
use crate::{cmdline, hyp, interrupts, log};

/// Where aliases of text are mapped: its own address plus this.
const ALIAS_OFFSET: usize = 0x40_0000_0000;
/// Where user pages are mapped.
const USER: usize = 0x10_0000_0000;
/// The size of a page, in bytes.
pub const PAGE: usize = 4096;
const ASID: usize = 1;

// Blocks of 1 GiB (Arm ARM D8.3.1.2): valid, not global, accessed, inner shareable,
// with index 0 (device) or 1 (normal) into `DEFAULT_MAIR` of aarch64-rt.
const BLOCK: usize = 1 | 1 << 11 | 1 << 10 | 3 << 8;

pub static INITIAL_TABLE: InitialPagetable = {
    // For the first steps only: `protect` replaces it before any site runs. Its
    // entries belong to ASID 0, so none of them outlives the switch.
    let mut table = [0; 512];
    table[0] = BLOCK | 1 << 54 | 1 << 53;
    table[1] = 0x4000_0000 | BLOCK | 1 << 2;
    InitialPagetable(table)
};

unsafe extern "C" {
    static __rodata_start: u8;
    static __init_start: u8;
    static __start_alt_plan: u8;
    static __init_text_start: [u32; 0];
    static __init_end: u8;
    static __text_start: [u32; 0];
    static __text_end: [u32; 0];
    static __data_start: u8;
    static __data_end: u8;
}

/// All text, where it runs: that of boot and that which stays.
pub fn text() -> Range<*const u32> {
    (&raw const __init_text_start).cast()..(&raw const __text_end).cast()
}

/// The addresses of the whole image.
pub fn image() -> Range<u64> {
    &raw const __rodata_start as u64..&raw const __data_end as u64
}

/// The first word of the text that stays.
pub fn resident_text() -> *const u32 {
    (&raw const __text_start).cast()
}

/// Where a word of the text is written, while the alias is open.
pub fn alias_of(word: *mut u32) -> *mut u32 {
    word.wrapping_byte_add(ALIAS_OFFSET)
}

type Tables = Mapping<Pool, El1And0>;
static TABLES: Once<SpinMutex<Tables>> = Once::new();
static USER_PAGE: SpinMutex<Page> = SpinMutex::new(Page([0; PAGE]));

const NORMAL: El1Attributes = El1Attributes::VALID
    .union(El1Attributes::ACCESSED)
    .union(El1Attributes::NON_GLOBAL)
    .union(El1Attributes::INNER_SHAREABLE)
    .union(El1Attributes::ATTRIBUTE_INDEX_1)
    .union(El1Attributes::UXN);
const READ_WRITE: El1Attributes = NORMAL.union(El1Attributes::PXN);
const READ_ONLY: El1Attributes = READ_WRITE.union(El1Attributes::READ_ONLY);
const EXECUTE: El1Attributes = NORMAL.union(El1Attributes::READ_ONLY);
const DEVICE: El1Attributes = El1Attributes::VALID
    .union(El1Attributes::ACCESSED)
    .union(El1Attributes::NON_GLOBAL)
    .union(El1Attributes::ATTRIBUTE_INDEX_0)
    .union(El1Attributes::UXN)
    .union(El1Attributes::PXN);

/// Maps the kernel with the least rights it needs, and switches over.
pub fn protect() {
    let mut tables = Tables::with_asid_and_va_range(Pool, ASID, 1, El1And0, VaRange::Lower);
    let parts = [
        (
            address(&raw const __rodata_start),
            address(&raw const __start_alt_plan),
            READ_ONLY,
        ),
        (
            address(&raw const __start_alt_plan),
            address(&raw const __init_text_start),
            READ_WRITE,
        ),
        (
            address(&raw const __init_text_start),
            hyp::all_text().start,
            EXECUTE,
        ),
        // The hypervisor is not executed here.
        (hyp::all_text().start, hyp::all_text().end, READ_ONLY),
        (
            address(&raw const __data_start),
            address(&raw const __data_end),
            READ_WRITE,
        ),
        (interrupts::DISTRIBUTOR, log::UART + PAGE, DEVICE),
        (
            cmdline::DEVICE_TREE,
            cmdline::DEVICE_TREE + cmdline::DEVICE_TREE_SIZE,
            READ_ONLY,
        ),
    ];
    for (start, end, rights) in parts {
        map(&mut tables, start..end, start, rights);
    }
    let user = USER_PAGE.lock().0.as_ptr() as usize;
    map(
        &mut tables,
        USER..USER + PAGE,
        user,
        READ_WRITE | El1Attributes::USER,
    );
    // SAFETY: the kernel's parts stay mapped where they are; they lose only
    // rights that they do not use.
    unsafe { tables.activate() };
    TABLES.call_once(|| SpinMutex::new(tables));
}

/// Switches a secondary CPU, which starts on the initial table, over as well.
pub fn protect_secondary() {
    if let Some(tables) = TABLES.get() {
        // SAFETY: as in `protect`.
        unsafe { tables.lock().activate() };
    }
}

fn address<T>(bound: *const T) -> usize {
    bound as usize
}

fn map(tables: &mut Tables, range: Range<usize>, physical: usize, rights: El1Attributes) {
    tables
        .map_range(
            &MemoryRegion::new(range.start, range.end),
            PhysicalAddress(physical),
            rights,
            // Pages keep every change of rights free of break-before-make.
            Constraints::NO_BLOCK_MAPPINGS | Constraints::NO_CONTIGUOUS_HINT,
        )
        .expect("the pool holds enough tables for the kernel");
}

/// What the kernel may do with pages of its own.
#[derive(Clone, Copy)]
pub enum Rights {
    ReadWrite,
    ReadOnly,
    /// Read and execute.
    Execute,
}

/// Changes the rights to whole pages that the kernel has mapped where they are; all
/// CPUs see it on return.
///
/// # Safety
/// Nothing may need the rights that are lost.
pub unsafe fn set_rights(pages: Range<usize>, rights: Rights) {
    let rights = match rights {
        Rights::ReadWrite => READ_WRITE,
        Rights::ReadOnly => READ_ONLY,
        Rights::Execute => EXECUTE,
    };
    change(pages, rights);
}

fn change(pages: Range<usize>, rights: El1Attributes) {
    if let Some(tables) = TABLES.get().filter(|_| !pages.is_empty()) {
        map(&mut tables.lock(), pages.clone(), pages.start, rights);
        barrier::dsb(barrier::ISH);
        repeat_tlbi();
        barrier::isb(barrier::SY);
    }
}

/// How many of these pages the kernel can execute.
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

/// Takes whole pages out of the map; all CPUs see it on return.
///
/// # Safety
/// Nothing may need the pages.
pub unsafe fn unmap(pages: Range<usize>) {
    change(pages, El1Attributes::empty());
}

/// Takes the init region out of the map, and says how many bytes are free now. A
/// kernel with an allocator would hand them over.
///
/// # Safety
/// Nothing may use the region any more: not the boot code in it, nor the tables.
pub unsafe fn give_back_init() -> usize {
    let init = address(&raw const __init_start)..address(&raw const __init_end);
    if let Some(tables) = TABLES.get() {
        map(
            &mut tables.lock(),
            init.clone(),
            init.start,
            El1Attributes::empty(),
        );
    }
    init.len()
}

/// A page that EL0 may read and write, and what the kernel has put there.
pub fn user_page(word: u32) -> *const u32 {
    USER_PAGE.lock().0[..4].copy_from_slice(&word.to_ne_bytes());
    USER as *const u32
}

/// The writable alias of the text, 256 GiB above it.
pub struct Alias;

impl Alias {
    fn remap(text: Range<usize>, rights: El1Attributes) -> Result<(), &'static str> {
        Self::remap_to(text.clone(), text.start, rights)
    }

    /// Maps the alias of `text` to other memory than the text.
    fn remap_to(
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
}

// SAFETY: while it is open, the alias maps the text's own pages read-write with
// the same attributes; `close` removes the mapping and its TLB entries.
unsafe impl WritableAlias for Alias {
    type Error = &'static str;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Self::Error> {
        let text = text.start as usize..text.end as usize;
        let start = text.start as *mut u32;
        Self::remap(text, READ_WRITE)?;
        Ok(alias_of(start))
    }

    fn close(&mut self) {
        let text = text();
        // Not VALID: the entries become invalid, and stale TLB entries go.
        let closed = Self::remap(
            text.start as usize..text.end as usize,
            El1Attributes::empty(),
        );
        if closed.is_ok() {
            repeat_tlbi();
        }
    }
}

/// An alias that is wrong from a page on: what is written there goes to other memory.
pub struct HalfAlias {
    /// Where it begins to be wrong: a page of the text.
    pub from: usize,
    /// The other memory: page-aligned, and as long as the rest of the text.
    pub scratch: *mut u8,
}

// SAFETY: both parts are writable while it is open. That the second one is not the
// text is the mistake that the pass has to notice.
unsafe impl WritableAlias for HalfAlias {
    type Error = &'static str;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Self::Error> {
        let text = text.start as usize..text.end as usize;
        let start = text.start as *mut u32;
        Alias::remap(text.start..self.from, READ_WRITE)?;
        Alias::remap_to(self.from..text.end, self.scratch as usize, READ_WRITE)?;
        Ok(alias_of(start))
    }

    fn close(&mut self) {
        Alias.close();
    }
}

/// Some CPUs need each TLBI and DSB twice (Cortex-A76 erratum 1286807 and its
/// kin).
fn repeat_tlbi() {
    // SAFETY: invalidating TLB entries has no effect but time.
    unsafe {
        alternative!(
            "nop",
            "nop",
            REPEAT_TLBI => "tlbi vmalle1is", "dsb ish",
            options(nostack, preserves_flags),
        );
    }
}
