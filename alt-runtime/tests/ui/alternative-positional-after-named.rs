#![no_std]
use alt_runtime::{alternative, cap::Cap};

const LSE: Cap = Cap::new(0, true);

pub fn f() {
    unsafe {
        alternative!(
            "mov {v}, {}",
            LSE => "nop",
            v = out(reg) _,
            in(reg) 1u64,
        );
    }
}
