//! Arms that do not reach far, and much text between their functions and the
//! replacements. The configuration `far` puts one among the replacements all the same.

#![no_std]
#![no_main]
#![expect(named_asm_labels, reason = "the test looks for them")]

use core::arch::{asm, global_asm};
use core::hint::black_box;

use alt_runtime::{Image, alternative, cap::Cap};

const A: Cap = Cap::new(0, true);
const B: Cap = Cap::new(1, true);

global_asm!(
    ".section .text.filler, \"ax\"",
    ".globl filler",
    "filler: .skip 0x20000",
    "ret",
);

unsafe extern "C" {
    fn filler();
}

#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn short(n: u64) -> u64 {
    // SAFETY: a branch forward over one instruction; never run.
    unsafe {
        alternative!("short_site: nop", A => "tbz {n}, #3, short_target", B => "cbz {n}, {to}",
            n = in(reg) n, to = label {
                // SAFETY: a hint.
                unsafe { asm!("hint 77") };
                return 1;
            });
        asm!("nop", ".globl short_site, short_target", "short_target: nop");
    }
    0
}

#[cfg(far)]
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn far(n: u64) {
    // SAFETY: never run.
    unsafe { alternative!("nop", A => concat!("tbz {n}, #3, short_target"), n = in(reg) n) };
}

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    black_box(short)(1);
    #[cfg(far)]
    black_box(far)(1);
    // SAFETY: never run.
    unsafe { filler() };
    // SAFETY: never run.
    black_box(unsafe { Image::new(core::ptr::null()..core::ptr::null()) });
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
