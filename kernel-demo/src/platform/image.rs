//! The parts of the kernel's image, by the symbols of `kernel.ld`. Each is a number of whole pages.

use core::ops::Range;

unsafe extern "C" {
    static __rodata_start: u8;
    static __init_start: u8;
    static __start_alt_plan: u8;
    static __init_text_start: [u32; 0];
    static __init_end: u8;
    static __text_start: [u32; 0];
    static __text_end: [u32; 0];
    static __data_start: u8;
    static __data_end: u8;
    static __boot_stack_start: u8;
    static boot_stack_end: u8;
}

fn address<T>(bound: *const T) -> usize {
    bound as usize
}

/// Everything from the first to the last byte.
pub fn all() -> Range<usize> {
    address(&raw const __rodata_start)..address(&raw const __data_end)
}

/// Read-only data, and the tables of the alternatives in the init region.
pub fn rodata() -> Range<usize> {
    address(&raw const __rodata_start)..address(&raw const __start_alt_plan)
}

/// Room for the plan, in the init region.
pub fn plan() -> Range<usize> {
    address(&raw const __start_alt_plan)..address(&raw const __init_text_start)
}

/// The init region: tables, plan and boot code, all of which is freed after boot.
pub fn init() -> Range<usize> {
    address(&raw const __init_start)..address(&raw const __init_end)
}

/// All text: the boot code, and [`resident_text`].
pub fn text() -> Range<usize> {
    address(&raw const __init_text_start)..address(&raw const __text_end)
}

/// The text that stays after boot, the hypervisor's included.
pub fn resident_text() -> Range<usize> {
    address(&raw const __text_start)..address(&raw const __text_end)
}

/// Data, `.bss` and stacks.
pub fn data() -> Range<usize> {
    address(&raw const __data_start)..address(&raw const __data_end)
}

/// The stack of the boot CPU.
pub fn boot_stack() -> Range<usize> {
    address(&raw const __boot_stack_start)..address(&raw const boot_stack_end)
}
