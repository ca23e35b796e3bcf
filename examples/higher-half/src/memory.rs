//! Page tables, by the bounds of the linker script: no page is both writable and executable.

use core::arch::{asm, naked_asm};
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use aarch64_cpu::asm::barrier;
use aarch64_cpu::registers::{ReadWriteable, TCR_EL1};
use aarch64_paging::descriptor::{El1Attributes, PhysicalAddress};
use aarch64_paging::paging::{Constraints, El1And0, MemoryRegion, PageTable, Translation, VaRange};
use aarch64_paging::{MapError, Mapping};
use aarch64_rt::{DEFAULT_MAIR, DEFAULT_SCTLR};
use spin::{Mutex, Once};

/// Offset from physical to virtual addresses of the kernel, the devices and the device tree.
pub const OFFSET: usize = 0xffff_ff80_0000_0000;
/// UART0 of QEMU's `virt`.
pub const UART: usize = OFFSET + 0x0900_0000;
/// Offset from the text to its writable alias.
const ALIAS_OFFSET: usize = 0x20_0000_0000;
const PAGE: usize = 4096;
const ASID: usize = 1;

/// A table for both halves during early boot: 1 GiB of devices, 1 GiB of memory (Arm ARM D8.3.1.2),
/// not global.
#[repr(C, align(4096))]
struct Early([usize; 512]);
const BLOCK: usize = 1 | 3 << 8 | 1 << 10 | 1 << 11;
static EARLY: Early = {
    let mut table = [0; 512];
    table[0] = BLOCK | 1 << 53 | 1 << 54;
    table[1] = 0x4000_0000 | BLOCK | 1 << 2;
    Early(table)
};

/// Two ranges of 512 GiB (T0SZ and T1SZ are 25) with pages of 4 KiB (TG1), tables in write-back,
/// inner shareable memory, the ASID in TTBR1 (A1), physical addresses of 40 bits (IPS).
const TCR: u64 =
    25 | 0b11_01_01 << 8 | 25 << 16 | 1 << 22 | 0b11_01_01 << 24 | 0b10 << 30 | 0b010 << 32;
/// CPACR_EL1.FPEN: the compiler uses FP registers.
const CPACR: u64 = 0b11 << 20;

/// Turns the MMU on and returns to the caller in the upper half. Clobbers x8 only.
#[unsafe(naked)]
pub unsafe extern "C" fn enable_mmu() {
    naked_asm!(
        "adrp x8, {EARLY}",
        "msr ttbr0_el1, x8",
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
        "ldr x8, ={OFFSET}",
        "add x30, x30, x8",
        "ret",
        EARLY = sym EARLY,
        MAIR = const DEFAULT_MAIR,
        TCR = const TCR,
        CPACR = const CPACR,
        SCTLR = const DEFAULT_SCTLR,
        OFFSET = const OFFSET,
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
const DEVICE: El1Attributes = El1Attributes::VALID
    .union(El1Attributes::ACCESSED)
    .union(El1Attributes::NON_GLOBAL)
    .union(El1Attributes::ATTRIBUTE_INDEX_0)
    .union(El1Attributes::UXN)
    .union(El1Attributes::PXN);

type Tables = Mapping<Pool, El1And0>;
static TABLES: Once<Mutex<Tables>> = Once::new();

/// Maps each part of the kernel with the least rights, and the device tree; activates the tables.
pub fn protect(device_tree: Range<usize>) {
    let tables = Tables::with_asid_and_va_range(Pool, ASID, 1, El1And0, VaRange::Upper);
    TABLES.call_once(|| Mutex::new(tables));
    let bound = |symbol: *const u8| symbol as usize;
    let text = text();
    map(text.start as usize..text.end as usize, EXECUTE);
    map(
        bound(&raw const _srodata)..bound(&raw const _erodata),
        READ_ONLY,
    );
    map(
        bound(&raw const _sdata)..bound(&raw const _ekernel),
        READ_WRITE,
    );
    map(device_tree, READ_ONLY);
    map(UART..UART + PAGE, DEVICE);
    activate();
}

/// Activates the kernel's tables on the calling CPU, and disables the lower half.
pub fn activate() {
    if let Some(tables) = TABLES.get() {
        // SAFETY: the kernel stays mapped at its addresses, with the rights that it uses.
        unsafe { tables.lock().activate() };
        TCR_EL1.modify(TCR_EL1::EPD0::DisableTTBR0Walks);
        barrier::isb(barrier::SY);
    }
}

fn map(range: Range<usize>, rights: El1Attributes) {
    let mapped = map_to(range.clone(), range.start - OFFSET, rights);
    mapped.expect("the pool holds enough tables for the kernel");
}

fn map_to(range: Range<usize>, physical: usize, rights: El1Attributes) -> Result<(), MapError> {
    if let Some(tables) = TABLES.get() {
        let region = MemoryRegion::new(range.start, range.end);
        // With pages only, no change of rights requires break-before-make.
        let pages = Constraints::NO_BLOCK_MAPPINGS | Constraints::NO_CONTIGUOUS_HINT;
        let mut tables = tables.lock();
        tables.map_range(&region, PhysicalAddress(physical), rights, pages)?;
        barrier::dsb(barrier::ISH);
        barrier::isb(barrier::SY);
    }
    Ok(())
}

/// Maps `text` writable at another address, until [`close_alias`]; returns that address.
pub fn open_alias(text: Range<u64>) -> Result<*mut u32, MapError> {
    let text = text.start as usize..text.end as usize;
    let alias = text.start + ALIAS_OFFSET..text.end + ALIAS_OFFSET;
    map_to(alias.clone(), text.start - OFFSET, READ_WRITE)?;
    Ok(alias.start as *mut u32)
}

/// Removes that mapping on all CPUs.
pub fn close_alias(text: Range<u64>) {
    let alias = text.start as usize + ALIAS_OFFSET..text.end as usize + ALIAS_OFFSET;
    map_to(alias, 0, El1Attributes::empty()).expect("the tables of the alias exist");
}

/// Whether the text is writable neither at its own address nor at that of its alias.
pub fn text_is_protected() -> bool {
    let start = text().start as usize;
    !is_writable(start) && !is_writable(start + ALIAS_OFFSET)
}

/// Whether a write would succeed, by an address translation instruction (Arm ARM C5.5).
fn is_writable(address: usize) -> bool {
    let par: u64;
    // SAFETY: AT writes PAR_EL1 only, which nothing else uses.
    unsafe {
        asm!(
            "at s1e1w, {address}",
            "isb",
            "mrs {par}, par_el1",
            address = in(reg) address, par = out(reg) par,
            options(nostack, preserves_flags),
        );
    }
    // PAR_EL1.F: the translation was aborted.
    par & 1 == 0
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
        let physical = page.as_ptr() as usize - OFFSET;
        (page.cast(), PhysicalAddress(physical))
    }

    unsafe fn deallocate_table(&mut self, _: NonNull<PageTable<El1Attributes>>) {
        // The tables are in use as long as the kernel runs.
    }

    fn physical_to_virtual(&self, pa: PhysicalAddress) -> NonNull<PageTable<El1Attributes>> {
        NonNull::new((pa.0 + OFFSET) as *mut _).expect("a table is not at address 0")
    }
}
