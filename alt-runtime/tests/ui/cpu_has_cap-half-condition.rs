#![no_std]
use alt_runtime::{cpu_has_cap, cap::Cap};

const LSE: Cap = Cap::new(0, true);

pub fn f() -> bool {
    cpu_has_cap!(likely LSE &)
}
