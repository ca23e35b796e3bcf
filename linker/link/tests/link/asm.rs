//! Whatever assembler text the test sets in the variable `TEXT`, and the runtime.

#![no_std]
#![no_main]

use alt_runtime::Image;
use core::arch::global_asm;
use core::hint::black_box;

global_asm!(env!("TEXT"));

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    // SAFETY: never run.
    black_box(unsafe { Image::new(core::ptr::null()..core::ptr::null()) });
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
