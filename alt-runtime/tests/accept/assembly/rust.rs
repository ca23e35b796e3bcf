//! What `sites.s` has, by the macros of Rust.

#![no_std]

use alt_runtime::{CallbackError, Insn, Site};
use alt_runtime::{alternative, alternative_cb, cap::Cap, cpu_has_cap};

macro_rules! caps {
    ($($name:ident $number:literal)*) => { $(const $name: Cap = Cap::new($number, true);)* };
}
caps! { C3 3 C4 4 C5 5 C6 6 C7 7 C8 8 C255 255 }

fn fill(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words.fill(Insn::NOP);
    Ok(())
}

alt_runtime::callback! {
    /// The callback of the sites.
    #[unsafe(no_mangle)]
    #[allow(non_upper_case_globals)]
    pub static callback = fill;
}

macro_rules! site {
    ($name:ident: $($tokens:tt)*) => {
        #[unsafe(no_mangle)]
        pub fn $name() {
            // SAFETY: hints.
            unsafe { alternative_cb!($($tokens)*) }
        }
    };
}

#[unsafe(no_mangle)]
pub fn one() {
    // SAFETY: a hint.
    unsafe { alternative!("nop", C3 => "yield") }
}

site! { many: "nop", "nop", C3 & !C4 & C255 => "yield", !C5 => "wfe", "sev", C6 => nops,
C7 => callback, C8 => "sev" }

#[unsafe(no_mangle)]
pub fn near(n: u64) -> u64 {
    // SAFETY: branches to the label.
    unsafe {
        alternative!("nop", C3 => "cbz {n}, {to}", C4 => "tbz {n}, #0, {to}",
            n = in(reg) n, to = label { return 1 })
    }
    0
}

#[unsafe(no_mangle)]
pub fn branches() -> u32 {
    let bits = [
        cpu_has_cap!(unlikely C3),
        cpu_has_cap!(unlikely !C4),
        cpu_has_cap!(likely C5),
        cpu_has_cap!(likely !C6),
    ];
    bits.into_iter().fold(0, |all, bit| all << 1 | u32::from(bit))
}

#[unsafe(no_mangle)]
pub fn two() {
    // SAFETY: hints.
    unsafe {
        alternative_cb!("nop", !C3 => nops);
        alternative_cb!("wfe", !C4 => callback);
    }
}
