//! Pairs of functions whose text is equal and whose records differ, and one pair that
//! differs in nothing.

#![no_std]
#![no_main]

use alt_runtime::{
    CallbackError, Image, Insn, Site, alternative, alternative_cb, asm_macros, callback, cap::Cap,
    cpu_has_cap,
};
use core::hint::black_box;

const C1: Cap = Cap::new(1, true);
const C2: Cap = Cap::new(2, true);

fn fill(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words.fill(Insn::NOP);
    Ok(())
}

callback! {
    /// One callback.
    pub static ONE = fill;
}
callback! {
    /// Another one.
    pub static OTHER = fill;
}

macro_rules! pair {
    ($first:ident $second:ident, $body:expr, $other:expr) => {
        #[unsafe(no_mangle)]
        #[inline(never)]
        pub extern "C" fn $first() -> u32 {
            // SAFETY: hints; never run.
            #[allow(unused_unsafe)]
            unsafe { $body }
        }

        #[unsafe(no_mangle)]
        #[inline(never)]
        pub extern "C" fn $second() -> u32 {
            // SAFETY: hints; never run.
            #[allow(unused_unsafe)]
            unsafe { $other }
        }
    };
}

pair! { control_0 control_1, 4711, 4711 }
pair! { branch_0 branch_1, cpu_has_cap!(unlikely C1) as u32, cpu_has_cap!(unlikely C2) as u32 }
pair! { likely_0 likely_1, cpu_has_cap!(likely C1) as u32, cpu_has_cap!(likely C2) as u32 }
pair! { cap_0 cap_1,
    { alternative!("nop", C1 => "yield"); 1 }, { alternative!("nop", C2 => "yield"); 1 } }
pair! { arm_0 arm_1,
    { alternative!("nop", C1 => "wfe"); 2 }, { alternative!("nop", C1 => "wfi"); 2 } }
pair! { arms_0 arms_1,
    { alternative!("nop", C1 => "sev"); 3 }, { alternative!("nop", C1 => "sev", C2 => "wfi"); 3 } }
pair! { callback_0 callback_1,
    { alternative_cb!("nop", C1 => ONE); 4 }, { alternative_cb!("nop", C1 => OTHER); 4 } }
pair! { nops_0 nops_1,
    { alternative_cb!("wfe", C1 => nops); 5 }, { alternative_cb!("wfe", C2 => nops); 5 } }
pair! { near_0 near_1,
    { alternative!("nop", C1 => "cbz x0, {to}", to = label { return 7 }, out("x0") _); 6 },
    { alternative!("nop", C2 => "cbz x0, {to}", to = label { return 7 }, out("x0") _); 6 } }
pair! { site_0 site_1,
    { alternative!("nop", C1 => "sev"); 8 }, { core::arch::asm!("nop"); 8 } }

core::arch::global_asm!(
    asm_macros!(),
    ".macro predicate name, cap",
    ".section .text.\\name, \"ax\"",
    ".globl \\name",
    ".type \\name, %function",
    "\\name:",
    "branch_if_cap \\cap, 1f",
    "mov w0, #9",
    "ret",
    "1: mov w0, #10",
    "alternative_begin",
    "nop",
    "alternative_arm \\cap",
    "sevl",
    "alternative_end",
    "ret",
    ".size \\name, . - \\name",
    ".endm",
    "predicate asm_0, 1",
    "predicate asm_1, 2",
    ".text",
);

unsafe extern "C" {
    safe fn asm_0() -> u32;
    safe fn asm_1() -> u32;
}

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    for function in [
        control_0, control_1, branch_0, branch_1, likely_0, likely_1, cap_0, cap_1, arm_0, arm_1,
        arms_0, arms_1, callback_0, callback_1, nops_0, nops_1, near_0, near_1, site_0, site_1,
    ] {
        black_box(function as extern "C" fn() -> u32)();
    }
    black_box(asm_0() + asm_1());
    black_box(&[1u64, 2, 3]);
    // SAFETY: never run.
    black_box(unsafe { Image::new(core::ptr::null()..core::ptr::null()) });
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
