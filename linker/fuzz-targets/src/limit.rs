//! A limit on what one allocation may ask for: a size that is taken from the input unchecked
//! ends the process here, instead of filling the machine's memory unseen.

use std::alloc::{GlobalAlloc, Layout, System};

/// In bytes. The text of an image is as long as its addresses span, at most this.
const MAX: usize = 256 << 20;

struct Limited;

#[global_allocator]
static LIMITED: Limited = Limited;

// SAFETY: the system's allocator does it all, but for requests that are refused, as the trait
// allows, by a null pointer.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match layout.size() <= MAX {
            // SAFETY: the caller keeps to the same contract.
            true => unsafe { System.alloc(layout) },
            false => std::ptr::null_mut(),
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match layout.size() <= MAX {
            // SAFETY: the caller keeps to the same contract.
            true => unsafe { System.alloc_zeroed(layout) },
            false => std::ptr::null_mut(),
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match size <= MAX {
            // SAFETY: the caller keeps to the same contract.
            true => unsafe { System.realloc(pointer, layout, size) },
            false => std::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}
