//! The first instructions of each CPU: from physical addresses to the upper half.

use core::arch::{global_asm, naked_asm};

use aarch64_rt::{DEFAULT_MAIR, DEFAULT_SCTLR, Stack, set_exception_vector};

use crate::memory::{EARLY, OFFSET};
use crate::{kernel, smp};

/// Two ranges of 512 GiB (T0SZ and T1SZ are 25) with pages of 4 KiB (TG1), tables in write-back,
/// inner shareable memory, the ASID in TTBR1 (A1), physical addresses of 40 bits (IPS).
const TCR: u64 =
    25 | 0b11_01_01 << 8 | 25 << 16 | 1 << 22 | 0b11_01_01 << 24 | 0b10 << 30 | 0b010 << 32;
/// CPACR_EL1.FPEN: the compiler uses FP registers.
const CPACR: u64 = 0b11 << 20;

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

/// Entry point of the other CPUs (PSCI CPU_ON): at EL1, MMU off, the number of the CPU in x0.
#[unsafe(naked)]
pub unsafe extern "C" fn secondary() -> ! {
    naked_asm!(
        "bl {enable_mmu}",
        "adrp x8, {stacks}",
        "add x8, x8, :lo12:{stacks}",
        "mov x9, #{STACK_SIZE}",
        "madd x8, x0, x9, x8",
        "add sp, x8, x9",
        "mov x19, x0",
        "bl {set_exception_vector}",
        "mov x0, x19",
        "b {main}",
        enable_mmu = sym enable_mmu,
        stacks = sym smp::STACKS,
        STACK_SIZE = const size_of::<Stack<8>>(),
        set_exception_vector = sym set_exception_vector,
        main = sym smp::main,
    )
}

/// Turns the MMU on and returns to the caller in the upper half. Clobbers x8 only.
#[unsafe(naked)]
unsafe extern "C" fn enable_mmu() {
    naked_asm!(
        "adrp x8, {EARLY}",
        "msr ttbr0_el1, x8",
        "msr ttbr1_el1, x8",
        "ldr x8, ={MAIR}",
        "msr mair_el1, x8",
        "ldr x8, ={TCR}",
        "msr tcr_el1, x8",
        "ldr x8, ={CPACR}",
        "msr cpacr_el1, x8",
        "isb",
        "tlbi vmalle1",
        "dsb nsh",
        "isb",
        "ldr x8, ={SCTLR}",
        "msr sctlr_el1, x8",
        "isb",
        "ldr x8, ={OFFSET}",
        "add x30, x30, x8",
        "ret",
        EARLY = sym EARLY,
        MAIR = const DEFAULT_MAIR,
        TCR = const TCR,
        CPACR = const CPACR,
        SCTLR = const DEFAULT_SCTLR,
        OFFSET = const OFFSET,
    )
}
