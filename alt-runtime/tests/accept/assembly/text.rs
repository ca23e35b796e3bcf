//! The assembler text that the test sets in the variable `TEXT`.

#![no_std]

use alt_runtime::asm_macros;

core::arch::global_asm!(asm_macros!(), env!("TEXT"));
