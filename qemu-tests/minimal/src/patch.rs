//! The integration of alt-runtime: one site, a table of 73 cpucaps.

use alt_runtime::boot::Detected;
use alt_runtime::cap::IdRegs;
use alt_runtime::patch::LinearAlias;
use alt_runtime::{Image, cpu_has_cap, text};

mod cpucaps {
    #![allow(dead_code, reason = "one is used")]
    alt_runtime::cpucaps!("../bench/cpucaps-73.toml");
}

/// Patches the text. Returns whether the site is as the cpucaps are.
#[inline(never)]
#[unsafe(link_section = ".init.text")]
pub fn apply() -> bool {
    match Detected::new(&cpucaps::TABLE, IdRegs::read()) {
        Ok(detected) => patch(&detected),
        Err(why) => refused(&why),
    }
}

#[unsafe(link_section = ".init.text")]
fn patch(detected: &Detected) -> bool {
    // SAFETY: the linker script bounds the text by these symbols; the tables are mapped.
    let mut image = unsafe { Image::new(text!(text_begin, text_end)) };
    // SAFETY: the text is always mapped writable, at its own address.
    let mut alias = unsafe { LinearAlias::new(0) };
    // SAFETY: no other CPU is ever started.
    match unsafe { detected.patch(&mut image, &mut alias) } {
        Ok(done) => {
            #[cfg(feature = "format")]
            crate::board::print(format_args!("{}", done.report()));
            done.has(cpucaps::LSE) == has_lse()
        }
        Err(why) => refused(&why),
    }
}

/// The site, in code that stays.
#[inline(never)]
pub fn has_lse() -> bool {
    cpu_has_cap!(unlikely cpucaps::LSE)
}

#[cfg(feature = "format")]
#[inline(never)]
#[unsafe(link_section = ".init.text")]
fn refused(why: &dyn core::fmt::Display) -> bool {
    crate::board::print(format_args!("{why}"));
    false
}

/// A kernel without formatting.
#[cfg(not(feature = "format"))]
fn refused<T>(_: &T) -> bool {
    false
}
