//! Makes an image of assembler text: the file that the variable `FIXTURE` names.

#![no_std]
#![no_main]

core::arch::global_asm!(include_str!(env!("FIXTURE")), options(raw));

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
