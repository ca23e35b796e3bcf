//! Page tables: the attributes of a descriptor of EL1, and the memory of tables.

use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use aarch64_paging::Mapping;
use aarch64_paging::descriptor::{El1Attributes, PagingAttributes, PhysicalAddress};
use aarch64_paging::paging::{Constraints, El1And0, MemoryRegion, PageTable, Translation};
use alt_runtime::alternative;

use super::board::PAGE;
use crate::cpucaps::REPEAT_TLBI;

/// The ASID of all mappings here.
pub const ASID: usize = 1;

/// Tables of EL1.
pub type Tables = Mapping<Pool, El1And0>;

/// Access rights of the kernel to pages; no page is both writable and executable.
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
    pub const fn attributes(self) -> El1Attributes {
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

/// Maps whole pages to the memory at `physical`.
pub fn map(tables: &mut Tables, range: Range<usize>, physical: usize, rights: El1Attributes) {
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

/// Repeats TLBI and DSB on CPUs that may lose the first ones (Cortex-A76 erratum 1286807 and
/// similar ones).
pub fn repeat_tlbi() {
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
pub struct Page(pub [u8; PAGE]);

/// Memory for the page tables of both exception levels: a static array of pages. A page is allocated once
/// and never freed.
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
