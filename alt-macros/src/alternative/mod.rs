//! `alternative!` and `alternative_cb!`: default instructions, and arms that replace them under a
//! condition.
//!
//! [`parse`] parses and validates the input, the text of the arms with [`arm_text`]. [`expand`]
//! writes one `asm!`: the default, then each arm and its records in sections of their own. [`near`]
//! chooses the section of an arm by the range of its instructions, and [`length`] has the checks that
//! the assembler makes.

mod arm_text;
mod expand;
mod length;
mod near;
mod operand;
mod parse;
mod statement;

pub use expand::expand;
pub use length::macros as length_checks;
pub use parse::{Alternative, AlternativeCb};
