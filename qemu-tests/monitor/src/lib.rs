//! The parts of the monitor that compute on values, for the target and for the host: the [`layout`]
//! of configuration and report, the [model](words) of a word of text, and the decoder of
//! [instructions](insn).
#![no_std]

pub mod insn;
pub mod layout;
pub mod words;
