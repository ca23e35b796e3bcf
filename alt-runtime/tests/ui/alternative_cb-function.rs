#![no_std]
use alt_runtime::{CallbackError, Insn, Site, alternative_cb, callback, cap::Cap};

const LSE: Cap = Cap::new(0, true);

pub fn fill(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words.fill(Insn::NOP);
    Ok(())
}
callback! {
    /// Fills.
    pub static FILL = fill;
}

pub fn f() {
    unsafe {
        alternative_cb!(
            "nop",
            LSE => fill,
        );
    }
}
