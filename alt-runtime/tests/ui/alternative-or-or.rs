#![no_std]
use alt_runtime::{alternative, cap::Cap};

const LSE: Cap = Cap::new(0, true);
const SB: Cap = Cap::new(1, true);

pub fn f() {
    unsafe {
        alternative!(
            "nop",
            LSE || SB => "nop",
        );
    }
}
