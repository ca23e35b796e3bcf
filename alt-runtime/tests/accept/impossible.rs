//! Sites that configuration rules out.

#![no_std]
#![deny(warnings, missing_docs, unsafe_op_in_unsafe_fn)]

use alt_runtime::{alternative, cap::Cap, cpu_has_cap};

const NEVER: Cap = Cap::new(9, false);
const LSE: Cap = Cap::new(3, true);

/// The default stays.
#[unsafe(no_mangle)]
pub fn instructions() {
    // SAFETY: a hint.
    unsafe { alternative!("isb", NEVER => "nop", NEVER & LSE => "nop") }
}

/// The constant `false`.
#[unsafe(no_mangle)]
pub fn branch() -> bool {
    cpu_has_cap!(likely NEVER) || cpu_has_cap!(unlikely NEVER & LSE | NEVER & !LSE)
}
