//! An image without a site, which patches all the same.

#![no_std]
#![no_main]

use alt_runtime::Image;
use core::hint::black_box;

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    // Every kernel has read-only data, and `alternatives.x` goes behind it.
    black_box(&[1u64, 2, 3]);
    // SAFETY: never run.
    black_box(unsafe { Image::new(core::ptr::null()..core::ptr::null()) });
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
