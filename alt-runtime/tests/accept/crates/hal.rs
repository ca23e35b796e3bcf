//! A hardware layer that hands the macros on to drivers.

#![no_std]

pub use alt_runtime::{
    Callback, CallbackError, Insn, Site, alternative, alternative_cb, asm_macros, callback,
    cap::Cap, cpu_has_cap, cpucaps,
};

/// For the layer's own sites.
pub const LSE: Cap = Cap::new(3, true);

/// A macro of the layer's own.
#[macro_export]
macro_rules! fast {
    () => {
        $crate::cpu_has_cap!(likely $crate::LSE)
    };
}

/// A function of its own.
#[inline(always)]
pub fn lse() -> bool {
    cpu_has_cap!(likely LSE)
}
