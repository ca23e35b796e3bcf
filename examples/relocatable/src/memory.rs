//! Page tables: the kernel at its physical addresses, by the bounds of the linker script, and all
//! memory, writable, in the upper half (the linear map).

use core::arch::naked_asm;
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use aarch64_paging::Mapping;
use aarch64_paging::descriptor::{El1Attributes, PhysicalAddress};
use aarch64_paging::paging::{Constraints, El1And0, MemoryRegion, PageTable, Translation, VaRange};
use aarch64_rt::{DEFAULT_MAIR, DEFAULT_SCTLR};
use spin::{Mutex, Once};

/// Offset from physical addresses to the linear map: all memory and all devices, writable.
pub const LINEAR: usize = 0xffff_ff80_0000_0000;
/// UART0 of QEMU's `virt`.
pub const UART: usize = LINEAR + 0x0900_0000;
const PAGE: usize = 4096;
const ASID: usize = 1;

/// A table with two blocks of 1 GiB (Arm ARM D8.3.1.2), not global: devices and memory.
#[repr(C, align(4096))]
struct Blocks([usize; 512]);
const BLOCK: usize = 1 | 3 << 8 | 1 << 10 | 1 << 11;
const NO_EXECUTE: usize = 1 << 53 | 1 << 54;
const fn blocks(rights: usize) -> Blocks {
    let mut table = [0; 512];
    table[0] = BLOCK | NO_EXECUTE;
    table[1] = 0x4000_0000 | BLOCK | 1 << 2 | rights;
    Blocks(table)
}
/// Table of the lower half during early boot: virtual addresses are physical.
static EARLY: Blocks = blocks(0);
/// Table of the upper half: the linear map.
static LINEAR_TABLE: Blocks = blocks(NO_EXECUTE);

/// Two ranges of 512 GiB (T0SZ and T1SZ are 25) with pages of 4 KiB (TG1), tables in write-back,
/// inner shareable memory, physical addresses of 40 bits (IPS).
const TCR: u64 = 25 | 0b11_01_01 << 8 | 25 << 16 | 0b11_01_01 << 24 | 0b10 << 30 | 0b010 << 32;
/// CPACR_EL1.FPEN: the compiler uses FP registers.
const CPACR: u64 = 0b11 << 20;

/// Turns the MMU on. Clobbers x8 only.
#[unsafe(naked)]
pub unsafe extern "C" fn enable_mmu() {
    naked_asm!(
        "adrp x8, {EARLY}",
        "msr ttbr0_el1, x8",
        "adrp x8, {LINEAR_TABLE}",
        "msr ttbr1_el1, x8",
        "ldr x8, ={MAIR}",
        "msr mair_el1, x8",
        "ldr x8, ={TCR}",
        "msr tcr_el1, x8",
        "ldr x8, ={CPACR}",
        "msr cpacr_el1, x8",
        "isb",
        "tlbi vmalle1",
        "dsb nsh",
        "isb",
        "ldr x8, ={SCTLR}",
        "msr sctlr_el1, x8",
        "isb",
        "ret",
        EARLY = sym EARLY,
        LINEAR_TABLE = sym LINEAR_TABLE,
        MAIR = const DEFAULT_MAIR,
        TCR = const TCR,
        CPACR = const CPACR,
        SCTLR = const DEFAULT_SCTLR,
    )
}

unsafe extern "C" {
    static _stext: [u32; 0];
    static _etext: [u32; 0];
    static _srodata: u8;
    static _erodata: u8;
    static _sdata: u8;
    static _ekernel: u8;
}

/// The bounds of the text.
pub fn text() -> Range<*const u32> {
    (&raw const _stext).cast()..(&raw const _etext).cast()
}

const NORMAL: El1Attributes = El1Attributes::VALID
    .union(El1Attributes::ACCESSED)
    .union(El1Attributes::NON_GLOBAL)
    .union(El1Attributes::INNER_SHAREABLE)
    .union(El1Attributes::ATTRIBUTE_INDEX_1)
    .union(El1Attributes::UXN);
const READ_WRITE: El1Attributes = NORMAL.union(El1Attributes::PXN);
const READ_ONLY: El1Attributes = READ_WRITE.union(El1Attributes::READ_ONLY);
const EXECUTE: El1Attributes = NORMAL.union(El1Attributes::READ_ONLY);
type Tables = Mapping<Pool, El1And0>;
static TABLES: Once<Mutex<Tables>> = Once::new();

/// Maps each part of the kernel with the least rights at its physical address; activates the tables.
pub fn protect() {
    let bound = |symbol: *const u8| symbol as usize;
    let text = text();
    let parts = [
        (text.start as usize..text.end as usize, EXECUTE),
        (
            bound(&raw const _srodata)..bound(&raw const _erodata),
            READ_ONLY,
        ),
        (
            bound(&raw const _sdata)..bound(&raw const _ekernel),
            READ_WRITE,
        ),
    ];
    let mut tables = Tables::with_asid_and_va_range(Pool, ASID, 1, El1And0, VaRange::Lower);
    for (range, rights) in parts {
        let region = MemoryRegion::new(range.start, range.end);
        let start = PhysicalAddress(range.start);
        let mapped = tables.map_range(&region, start, rights, Constraints::NO_CONTIGUOUS_HINT);
        mapped.expect("the pool holds enough tables for the kernel");
    }
    TABLES.call_once(|| Mutex::new(tables));
    activate();
}

/// Activates the kernel's tables on the calling CPU.
pub fn activate() {
    if let Some(tables) = TABLES.get() {
        // SAFETY: the kernel stays mapped at its addresses, with the rights that it uses.
        unsafe { tables.lock().activate() };
    }
}

/// A static array of pages. Each is handed out once and never freed.
struct Pool;

#[repr(C, align(4096))]
#[derive(Clone, Copy)]
struct Page([u8; PAGE]);

const PAGES: usize = 32;
static mut POOL: [Page; PAGES] = [Page([0; PAGE]); PAGES];
static NEXT: AtomicUsize = AtomicUsize::new(0);

impl Translation<El1Attributes> for Pool {
    fn allocate_table(&mut self) -> (NonNull<PageTable<El1Attributes>>, PhysicalAddress) {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(next < PAGES, "out of page tables");
        // SAFETY: `next` is in bounds; the page is zero and handed out only here, once.
        let page = unsafe { NonNull::new_unchecked((&raw mut POOL).cast::<Page>().add(next)) };
        let physical = page.as_ptr() as usize;
        (page.cast(), PhysicalAddress(physical))
    }

    unsafe fn deallocate_table(&mut self, _: NonNull<PageTable<El1Attributes>>) {
        // The tables are in use as long as the kernel runs.
    }

    fn physical_to_virtual(&self, pa: PhysicalAddress) -> NonNull<PageTable<El1Attributes>> {
        NonNull::new(pa.0 as *mut _).expect("a table is not at address 0")
    }
}
