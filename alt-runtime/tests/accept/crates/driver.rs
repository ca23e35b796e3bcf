//! A driver that depends on the layer alone.

#![no_std]

/// The layer's function, inlined.
#[unsafe(no_mangle)]
pub fn function() -> bool {
    hal::lse()
}

/// The layer's macro.
#[unsafe(no_mangle)]
pub fn macro_of_the_layer() -> u32 {
    if hal::fast!() { 3 } else { 7 }
}

/// A macro that the layer hands on.
#[unsafe(no_mangle)]
pub fn handed_on() {
    // SAFETY: hints.
    unsafe { hal::alternative!("nop", hal::LSE => "yield") }
}

/// By a glob, and with a callback.
pub mod callbacks {
    use hal::*;

    fn fill(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
        words.fill(Insn::NOP);
        Ok(())
    }

    callback! {
        /// A callback.
        #[unsafe(no_mangle)]
        pub static FILL = fill;
    }

    /// A site.
    #[unsafe(no_mangle)]
    pub fn computed() {
        // SAFETY: hints.
        unsafe { alternative_cb!("wfe", LSE => FILL) }
    }
}

/// A table of its own.
pub mod caps {
    hal::cpucaps!("tests/accept/crates/cpucaps.toml");
}

/// A cpucap of that table.
#[unsafe(no_mangle)]
pub fn table() -> bool {
    hal::cpu_has_cap!(unlikely caps::SB)
}

core::arch::global_asm!(
    hal::asm_macros!(),
    ".section .text.assembly, \"ax\"",
    ".globl assembly",
    ".type assembly, %function",
    "assembly:",
    "branch_if_cap {lse}, 1f",
    "1: ret",
    ".size assembly, . - assembly",
    lse = const hal::LSE.number(),
);
