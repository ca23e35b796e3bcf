//! The header of the image, and the first instructions of the boot CPU.

use core::arch::{global_asm, naked_asm};

use aarch64_rt::{Stack, set_exception_vector};

use crate::kernel;
use crate::memory::enable_mmu;

static mut BOOT_STACK: Stack<8> = Stack::new();

// The header of an arm64 Image (Linux, Documentation/arch/arm64/booting.rst): the flags are
// little endian, pages of 4 KiB, any address.
global_asm!(
    ".pushsection .head.text, \"ax\"",
    ".global _start",
    "_start:",
    "b {primary}",
    "nop",
    ".quad 0",
    ".quad _image_size",
    ".quad 0b1010",
    ".quad 0, 0, 0",
    ".ascii \"ARM\\x64\"",
    ".word 0",
    ".popsection",
    primary = sym primary,
);

/// Entry point of the boot CPU: at EL1, MMU off, the address of the device tree in x0.
#[unsafe(naked)]
unsafe extern "C" fn primary() -> ! {
    naked_asm!(
        "bl {enable_mmu}",
        "adrp x8, _sbss",
        "add x8, x8, :lo12:_sbss",
        "adrp x9, _ebss",
        "add x9, x9, :lo12:_ebss",
        "1: cmp x8, x9",
        "b.hs 2f",
        "stp xzr, xzr, [x8], #16",
        "b 1b",
        "2: adrp x8, {stack}",
        "add x8, x8, :lo12:{stack}",
        "add sp, x8, #{STACK_SIZE}",
        "mov x19, x0",
        "bl {set_exception_vector}",
        "mov x0, x19",
        "b {main}",
        enable_mmu = sym enable_mmu,
        stack = sym BOOT_STACK,
        STACK_SIZE = const size_of::<Stack<8>>(),
        set_exception_vector = sym set_exception_vector,
        main = sym kernel::main,
    )
}
