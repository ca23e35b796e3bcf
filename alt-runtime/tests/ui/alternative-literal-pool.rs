#![no_std]
use alt_runtime::{alternative, cap::Cap};

const LSE: Cap = Cap::new(0, true);

pub fn f() {
    unsafe {
        alternative!(
            "nop",
            "nop",
            LSE => "nop", "ldr x0, =0x12345678",
            out("x0") _,
        );
    }
}
