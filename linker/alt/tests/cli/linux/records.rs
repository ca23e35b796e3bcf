//! No Rust: the assembly of records.s, as an object of its own.

#![no_std]
#![no_main]

core::arch::global_asm!(include_str!("records.s"), options(raw));

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
