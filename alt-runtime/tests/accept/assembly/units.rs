//! A binary of several codegen units: assembly in some of them, `sites.s` in one.

#![no_std]
#![no_main]

use core::hint::black_box;

use alt_runtime::{alternative, asm_macros, cap::Cap};

core::arch::global_asm!(asm_macros!(), include_str!("sites.s"));
core::arch::global_asm!(env!("TEXT"));

/// What `sites.s` calls a callback; never called.
#[unsafe(no_mangle)]
static callback: u64 = 0;

mod naked {
    use super::*;

    const C9: Cap = Cap::new(9, true);

    #[unsafe(no_mangle)]
    #[unsafe(naked)]
    pub extern "C" fn naked() {
        core::arch::naked_asm!(
            asm_macros!(),
            "alternative_begin",
            "nop",
            "nop",
            "alternative_arm {c9}",
            "wfe",
            "sev",
            "alternative_end",
            "branch_if_cap {c9}, 1f",
            "nop",
            "1: ret",
            c9 = const C9.number(),
        )
    }
}

mod rust {
    use super::*;

    const C10: Cap = Cap::new(10, true);

    #[unsafe(no_mangle)]
    #[inline(never)]
    pub extern "C" fn rust(n: u64) -> u64 {
        // SAFETY: hints.
        unsafe { alternative!("nop", "nop", "nop", C10 => "yield", "sev") };
        black_box(n)
    }
}

unsafe extern "C" {
    safe fn one();
    safe fn many();
    safe fn near();
    safe fn two();
    safe fn branches();
}

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    one();
    many();
    near();
    two();
    branches();
    naked::naked();
    black_box(rust::rust(1));
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
