//! `sites.s`, through `global_asm!`; the text of the macros is included twice, as with two users.

#![no_std]

use alt_runtime::asm_macros;

core::arch::global_asm!(asm_macros!(), include_str!("sites.s"));
core::arch::global_asm!(asm_macros!());
