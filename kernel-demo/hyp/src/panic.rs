//! A panic is an answer: the call returns to EL1 with the place of it.

use core::panic::PanicInfo;

use super::entry::leave;
use crate::abi::status;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let (line, column) = info
        .location()
        .map_or((0, 0), |place| (place.line(), place.column()));
    // SAFETY: a panic comes out of `handle`, so what the call has found is saved; nothing of the
    // hypervisor holds anything that a destructor would have to give back.
    unsafe { leave(status::PANIC, line.into(), column.into()) }
}
