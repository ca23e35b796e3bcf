//! A kernel of another author's shape: sites in the text and in vectors behind the data, and
//! room for the plan in `.bss`.

#![no_std]
#![no_main]

use core::arch::global_asm;
use core::hint::black_box;

use alt_runtime::region::{Text, TextRange, Words};
use alt_runtime::{Image, Room, alternative, asm_macros, cap::Cap, cpu_has_cap};

#[unsafe(no_mangle)]
static ROOM: Room<64> = Room::new();

/// Data and constants, so that no part is empty.
#[unsafe(no_mangle)]
static mut DATA: u64 = 1;

const CAP: Cap = Cap::new(3, true);

global_asm!(
    asm_macros!(),
    ".pushsection .vectors, \"ax\"",
    ".globl vectors",
    "vectors:",
    "alternative_begin",
    "nop",
    "alternative_arm 3",
    "yield",
    "alternative_end",
    "b .",
    ".popsection",
    ".pushsection .vdso, \"ax\"",
    "ret",
    ".popsection",
);

unsafe extern "C" {
    static vectors: u32;
}

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    // SAFETY: hints; never run.
    unsafe { alternative!("nop", "nop", CAP => "yield") };
    black_box(cpu_has_cap!(unlikely CAP));
    // SAFETY: never run.
    unsafe {
        let words = |start| Words::from_raw(start as u64, start, 2);
        let ranges = [
            TextRange::new(words(_start as *const u32)),
            TextRange::new(words(&raw const vectors)).also_at(&[0x1000]),
        ];
        if let Ok(text) = Text::new(&ranges) {
            let image = Image::of_text(text).with_room(ROOM.take().unwrap_or_default());
            black_box(image);
        }
        black_box(DATA);
    }
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
