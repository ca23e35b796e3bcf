//! Memory for the page tables of both exception levels.

use core::mem::MaybeUninit;
use core::ptr::{NonNull, addr_of_mut};
use core::sync::atomic::{AtomicUsize, Ordering};

use aarch64_paging::descriptor::{PagingAttributes, PhysicalAddress};
use aarch64_paging::paging::{PageTable, Translation};

use super::board::PAGE;

/// A page of memory, aligned to its size.
#[repr(C, align(4096))]
pub struct Page(pub [u8; PAGE]);

/// A static array of pages. Each is handed out once and never freed.
pub struct Pool;

const SIZE: usize = 48;
static mut PAGES: [MaybeUninit<Page>; SIZE] = [const { MaybeUninit::uninit() }; SIZE];
static NEXT: AtomicUsize = AtomicUsize::new(0);

impl<A: PagingAttributes> Translation<A> for Pool {
    fn allocate_table(&mut self) -> (NonNull<PageTable<A>>, PhysicalAddress) {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(next < SIZE, "out of page tables");
        // SAFETY: `next` is inside; the page is handed out only here, once.
        let page = unsafe {
            let page = addr_of_mut!(PAGES).cast::<Page>().add(next);
            page.write_bytes(0, 1);
            NonNull::new_unchecked(page.cast())
        };
        (page, PhysicalAddress(page.as_ptr() as usize))
    }

    unsafe fn deallocate_table(&mut self, _: NonNull<PageTable<A>>) {
        // The kernel's own tables live as long as it does.
    }

    fn physical_to_virtual(&self, pa: PhysicalAddress) -> NonNull<PageTable<A>> {
        NonNull::new(pa.0 as *mut _).expect("a table is not at address 0")
    }
}
