#![no_std]
use alt_runtime::{Insn, callback};

fn fill(words: &mut [Insn]) {
    words.fill(Insn::NOP);
}

callback! {
    /// Fills.
    pub static FILL = fill;
}
