//! The parts of the monitor that compute on values, for the target and for the host: the
//! [`layout`] of what the two tell each other, the [model](words) of a word of text, and
//! what has to be known of [instructions](insn).
#![no_std]

pub mod insn;
pub mod layout;
pub mod words;
