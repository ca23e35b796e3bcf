#![no_std]
use alt_runtime::{alternative, cap::Cap};

const LSE: Cap = Cap::new(0, true);

pub fn f() {
    unsafe {
        alternative!(
            "nop",
            LSE => "ldr x0, =0x123456789",
            out("x0") _,
        );
    }
}
