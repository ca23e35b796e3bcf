#![no_std]
use alt_runtime::{alternative, cap::Cap};

const LSE: Cap = Cap::new(0, true);

pub fn f() {
    unsafe {
        alternative!(
            "nop",
            LSE => "ldadd x0, x1, [x2]",
            out("x0") _, out("x1") _,
        );
    }
}
