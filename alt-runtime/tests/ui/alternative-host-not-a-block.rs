#![no_std]
use alt_runtime::{alternative, cap::Cap};

const LSE: Cap = Cap::new(0, true);

pub fn f() {
    unsafe {
        alternative!(
            "nop",
            "nop",
            LSE => "yield",
            host => 5,
        );
    }
}
