//! Sites of every kind; what each must hold afterwards is in cli/fixture.rs.

#![no_std]
#![no_main]

use core::hint::black_box;

use alt_runtime::cap::IdRegs;
use alt_runtime::{CallbackError, Insn, Site, asm_macros, callback};

mod cpucaps {
    alt_runtime::cpucaps!("cpucaps.toml");
}
use cpucaps::{ALWAYS, LSE, OPEN, PAN};

fn ask(_: &IdRegs) -> bool {
    false
}

fn fill(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words.fill(Insn::NOP);
    Ok(())
}

callback! {
    /// How firmware is called.
    #[unsafe(no_mangle)]
    pub static CONDUIT = fill;
    /// A number, in the register that the site names.
    #[unsafe(no_mangle)]
    pub static COUNT = fill;
}

core::arch::global_asm!(
    asm_macros!(),
    ".section .text.sites, \"ax\"",
    ".arch_extension lse",
    ".arch_extension pan",
    // Padding that is branched over, and padding that is not.
    ".globl long_pad",
    "long_pad:",
    "alternative_begin",
    "mov x0, x1",
    "mov x0, x2",
    "mov x0, x3",
    "mov x0, x4",
    "mov x0, x5",
    "alternative_arm {lse}",
    "ldaddal x1, x2, [x3]",
    "alternative_end",
    "hint #64",
    ".globl short_pad",
    "short_pad:",
    "alternative_begin",
    "mov x0, x1",
    "mov x0, x2",
    "mov x0, x3",
    "alternative_arm {pan}",
    "msr pan, #1",
    "alternative_end",
    "hint #65",
    // Several arms, conjunction, negation.
    ".globl arms",
    "arms:",
    "alternative_begin",
    "mov x0, #0",
    "alternative_arm_all {lse}, {pan}",
    "mov x0, #3",
    "alternative_arm {lse}",
    "mov x0, #1",
    "alternative_arm {pan}",
    "mov x0, #2",
    "alternative_end",
    "hint #66",
    ".globl negated",
    "negated:",
    "alternative_begin",
    "mov x0, #0",
    "alternative_arm {lse} | ALT_NOT",
    "mov x0, #4",
    "alternative_end",
    "hint #67",
    // A short branch out of an arm, and a call.
    ".globl near",
    "near:",
    "alternative_begin near",
    "nop",
    "alternative_arm {pan}",
    "tbz x1, #35, outside",
    "alternative_end",
    "hint #68",
    ".globl call",
    "call:",
    "alternative_begin",
    "nop",
    "alternative_arm {lse}",
    "bl outside",
    "alternative_end",
    "hint #69",
    // One instruction, NOP or B.
    ".globl branch_if",
    "branch_if:",
    "branch_if_cap {pan}, outside",
    "hint #70",
    ".globl branch_unless",
    "branch_unless:",
    "branch_unless_cap {pan}, outside",
    "hint #71",
    // What a callback fills, and what becomes nothing.
    ".globl conduit",
    "conduit:",
    "alternative_begin",
    "hvc #0",
    "alternative_cb {always}, {CONDUIT}",
    "alternative_end",
    "hint #72",
    ".globl count",
    "count:",
    "alternative_begin",
    "mov x5, #0",
    "mov x6, #0",
    "alternative_cb {always}, {COUNT}",
    "alternative_end",
    "hint #73",
    ".globl nops",
    "nops:",
    "alternative_begin",
    "mov x0, x1",
    "mov x0, x2",
    "alternative_nops {pan}",
    "alternative_end",
    "hint #74",
    ".globl open",
    "open:",
    "alternative_begin",
    "nop",
    "alternative_arm {open}",
    "mov x0, #7",
    "alternative_end",
    ".globl outside",
    "outside:",
    "ret",
    ".section .init.text, \"ax\"",
    ".globl init",
    "init:",
    "alternative_begin",
    "nop",
    "alternative_arm {pan}",
    "mov x0, #8",
    "alternative_end",
    "ret",
    ".text",
    always = const ALWAYS.number(),
    lse = const LSE.number(),
    pan = const PAN.number(),
    open = const OPEN.number(),
    CONDUIT = sym CONDUIT,
    COUNT = sym COUNT,
);

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    black_box(&cpucaps::TABLE);
    // SAFETY: never run.
    black_box(unsafe { alt_runtime::Image::new(core::ptr::null()..core::ptr::null()) });
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
