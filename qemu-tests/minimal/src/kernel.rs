//! The kernel: it prints `ok` or `refused`, after `lse` if the site shows it.

use aarch64_rt::entry;

use crate::board::{power_off, put};
#[cfg(feature = "patch")]
use crate::patch;

/// The kernel to compare with.
#[cfg(not(feature = "patch"))]
mod patch {
    #[inline(never)]
    #[unsafe(link_section = ".init.text")]
    pub fn apply() -> bool {
        core::hint::black_box(true)
    }

    #[inline(never)]
    pub fn has_lse() -> bool {
        core::hint::black_box(false)
    }
}

/// What a kernel that prints does: it prints a text, and a number in both ways.
#[cfg(feature = "format")]
const NAME: &str = "minimal kernel";

entry!(main);

fn main(argument: u64, _: u64, _: u64, _: u64) -> ! {
    #[cfg(feature = "format")]
    crate::board::print(format_args!("{NAME}: argument {argument:#x}, {argument}"));
    #[cfg(not(feature = "format"))]
    let _ = argument;
    let done = patch::apply();
    free_init();
    put(if patch::has_lse() { "lse " } else { "" });
    put(if done { "ok\n" } else { "refused\n" });
    power_off()
}

/// Fills the init region with `brk #0x100`, which must never be executed.
fn free_init() {
    unsafe extern "C" {
        static mut __init_start: u32;
        static mut __init_end: u32;
    }
    let (mut word, end) = (&raw mut __init_start, &raw mut __init_end);
    while word < end {
        // SAFETY: boot is over, and no code that runs now is in the region.
        unsafe { word.write_volatile(0xd420_2000) };
        word = word.wrapping_add(1);
    }
}
