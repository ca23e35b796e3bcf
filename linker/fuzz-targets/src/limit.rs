//! A limit on the size of one allocation: a size from the input that was not checked ends the process here,
//! and does not fill the memory of the machine.

use std::alloc::{GlobalAlloc, Layout, System};

/// The largest allocation in bytes. The text of an image, which is as long as the span of its addresses, is
/// not larger.
const MAX: usize = 256 << 20;

struct Limited;

#[global_allocator]
static LIMITED: Limited = Limited;

// SAFETY: the system's allocator makes all allocations; the trait allows a null pointer for the requests that
// are refused.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match layout.size() <= MAX {
            // SAFETY: the caller obeys the contract of the trait, which is also that of `System`.
            true => unsafe { System.alloc(layout) },
            false => std::ptr::null_mut(),
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match layout.size() <= MAX {
            // SAFETY: the caller obeys the contract of the trait, which is also that of `System`.
            true => unsafe { System.alloc_zeroed(layout) },
            false => std::ptr::null_mut(),
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match size <= MAX {
            // SAFETY: the caller obeys the contract of the trait, which is also that of `System`.
            true => unsafe { System.realloc(pointer, layout, size) },
            false => std::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller obeys the contract of the trait, which is also that of `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}
