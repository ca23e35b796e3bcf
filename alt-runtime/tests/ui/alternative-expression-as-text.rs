#![no_std]
use alt_runtime::{alternative, cap::Cap};

const LSE: Cap = Cap::new(0, true);
const NOP: &str = "nop";

pub fn f() {
    unsafe {
        alternative!(
            "nop",
            LSE => NOP,
        );
    }
}
