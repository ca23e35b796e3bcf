//! A site of another layout, and no runtime of ours to disagree with it.

#![no_std]
#![no_main]

core::arch::global_asm!(
    ".globl __alt_layout_version",
    ".set __alt_layout_version, 3"
);

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
