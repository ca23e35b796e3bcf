//! What the macros expand to for a host of another architecture.

#![no_std]

/// Stands for alt-runtime.
mod fake {
    pub use alt_runtime::{Callback, cap};
    /// As alt-runtime has it elsewhere.
    macro_rules! __alt_here {
        (kernel { $($kernel:tt)* } arm64 { $($arm64:tt)* } elsewhere { $($elsewhere:tt)* }) => {
            $($elsewhere)*
        };
    }
    pub(crate) use __alt_here;
}

const LSE: alt_runtime::cap::Cap = alt_runtime::cap::Cap::new(3, true);

/// The site has no `host` arm.
pub fn site() {
    unsafe { alt_macros::alternative!(fake; "nop", LSE => "yield") }
}
