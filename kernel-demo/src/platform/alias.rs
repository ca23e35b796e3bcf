//! The writable alias of the text, 256 GiB above it, mapped during a pass only.
//!
//! Its page tables are built once, apart from the kernel's. `open` writes one descriptor of the kernel's
//! root table, which refers to them; `close` clears this descriptor and invalidates the TLB. The cost of both does
//! not depend on the size of the text.

use core::arch::asm;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

use aarch64_cpu::asm::barrier;
use aarch64_paging::descriptor::{El1Attributes, PhysicalAddress};
use aarch64_paging::paging::{El1And0, VaRange};
use alt_runtime::patch::WritableAlias;
use spin::Once;
use spin::mutex::SpinMutex;

use super::image;
use super::tables::{self, ASID, Pool, Rights, Tables};

/// Distance from the text to its alias.
const OFFSET: usize = 0x40_0000_0000;
/// Size of the memory that a descriptor of level 1 maps (Arm ARM D8.2.8). The text does not cross a multiple
/// of it.
const REACH: usize = 1 << 30;

/// The tables of the alias, which map it at its distance from a multiple of [`REACH`]. Unused, and free to be
/// changed, while the alias is closed.
static TABLES: Once<SpinMutex<Tables>> = Once::new();
/// The kernel's root table, of level 1.
static ROOT: Once<PhysicalAddress> = Once::new();

/// Builds the tables of the alias, which stays closed. `root` is the address of the kernel's root table.
pub(super) fn prepare(root: PhysicalAddress) {
    let tables = Tables::with_asid_and_va_range(Pool, ASID, 2, El1And0, VaRange::Lower);
    TABLES.call_once(|| SpinMutex::new(tables));
    ROOT.call_once(|| root);
    let text = image::text();
    map(&text, text.start);
}

/// The address at which a word of the text is writable while the alias is open.
pub fn of(word: *mut u32) -> *mut u32 {
    word.wrapping_byte_add(OFFSET)
}

/// Maps the alias of whole pages of the text, which must be closed, to the memory at `physical`.
pub fn map(text: &Range<usize>, physical: usize) {
    change(text, physical, Rights::ReadWrite.attributes());
}

/// Removes the pages of the text from the alias, which must be closed. Other pages are ignored.
pub(super) fn unmap(pages: &Range<usize>) {
    let text = image::text();
    let text = pages.start.max(text.start)..pages.end.min(text.end);
    if !text.is_empty() {
        change(&text, text.start, El1Attributes::empty());
    }
}

fn change(text: &Range<usize>, physical: usize, rights: El1Attributes) {
    if let Some(own) = TABLES.get() {
        let start = text.start % REACH;
        tables::map(&mut own.lock(), start..start + text.len(), physical, rights);
    }
}

/// The descriptor of the kernel's root table for the alias.
fn descriptor() -> Option<&'static AtomicUsize> {
    let root = ROOT.get()?.0 as *const AtomicUsize;
    let index = (image::text().start + OFFSET) / REACH;
    // SAFETY: the table has 512 descriptors, one for each GiB up to 512 GiB, and is never freed. Others read
    // and write it as atomics.
    Some(unsafe { &*root.add(index) })
}

/// The writable alias of the text.
pub struct Alias;

// SAFETY: while the alias is open, it maps the text's own pages, writable and with the same memory
// attributes; `close` removes the mapping and its TLB entries.
unsafe impl WritableAlias for Alias {
    type Error = &'static str;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Self::Error> {
        let (Some(own), Some(descriptor)) = (TABLES.get(), descriptor()) else {
            return Err("memory is not set up");
        };
        let flags = El1Attributes::VALID | El1Attributes::TABLE_OR_PAGE;
        let own = own.lock().root_address().0;
        descriptor.store(own | flags.bits(), Ordering::Release);
        // No TLB holds an entry of a descriptor that was not valid (Arm ARM D8.16.1).
        barrier::dsb(barrier::ISHST);
        barrier::isb(barrier::SY);
        Ok(of(text.start as *mut u32))
    }

    fn close(&mut self) {
        let Some(descriptor) = descriptor() else {
            return;
        };
        descriptor.store(0, Ordering::Release);
        barrier::dsb(barrier::ISHST);
        // SAFETY: invalidating TLB entries affects timing only.
        unsafe { asm!("tlbi aside1is, {}", in(reg) ASID << 48, options(nostack, preserves_flags)) };
        barrier::dsb(barrier::ISH);
        tables::repeat_tlbi();
        barrier::isb(barrier::SY);
    }
}
