//! Exceptions, panics, and the unwind tables.

use core::slice;

use aarch64_rt::{ExceptionHandlers, RegisterStateRef, exception_handlers};

use flat_guest::{power_off, print};

unsafe extern "C" {
    static eh_frame_begin: [u8; 0];
    static eh_frame_end: [u8; 0];
}

/// Address and bytes of the unwind tables.
pub fn eh_frame() -> (u64, &'static [u8]) {
    let start: *const u8 = (&raw const eh_frame_begin).cast();
    let end: *const u8 = (&raw const eh_frame_end).cast();
    // SAFETY: the linker script bounds the section, which is read-only data.
    let bytes = unsafe { slice::from_raw_parts(start, end as usize - start as usize) };
    (start as u64, bytes)
}

struct Handlers;

impl ExceptionHandlers for Handlers {
    // An attack on a signed return address ends here.
    extern "C" fn sync_current(_: RegisterStateRef<'_>) {
        print(format_args!("fault"));
        power_off()
    }
}

exception_handlers!(Handlers);

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    print(format_args!("error {}", info.message()));
    power_off()
}
