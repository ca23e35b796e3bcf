#![no_std]
use alt_runtime::{alternative, cap::Cap};

const LSE: Cap = Cap::new(0, true);
const LIMIT: u16 = 3;

pub fn f() {
    unsafe {
        alternative!(
            "nop",
            LIMIT => "nop",
        );
    }
}
