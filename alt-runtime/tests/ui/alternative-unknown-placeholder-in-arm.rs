#![no_std]
use alt_runtime::{alternative, cap::Cap};

const LSE: Cap = Cap::new(0, true);

pub fn f() {
    unsafe {
        alternative!(
            "mov x0, {value}",
            LSE => "mov x0, {valu}",
            value = in(reg) 1u64,
            out("x0") _,
        );
    }
}
