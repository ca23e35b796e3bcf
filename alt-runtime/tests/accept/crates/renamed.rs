//! alt-runtime under another name, and not at the root.

#![no_std]

mod deep {
    pub use rt::{alternative, cap::Cap, cpu_has_cap};
}

const LSE: deep::Cap = deep::Cap::new(3, true);

/// A branch.
#[unsafe(no_mangle)]
pub fn branch() -> bool {
    deep::cpu_has_cap!(likely LSE)
}

/// A site.
#[unsafe(no_mangle)]
pub fn site() {
    // SAFETY: hints.
    unsafe { deep::alternative!("nop", LSE => "yield") }
}
