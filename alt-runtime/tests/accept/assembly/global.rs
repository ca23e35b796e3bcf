//! `sites.s`, by way of `global_asm!`; the macros come twice, as with two users.

#![no_std]

use alt_runtime::asm_macros;

core::arch::global_asm!(asm_macros!(), include_str!("sites.s"));
core::arch::global_asm!(asm_macros!());
