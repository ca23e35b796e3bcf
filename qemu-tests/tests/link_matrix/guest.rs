//! What linkers may get wrong, in one guest: functions of equal text, pairs of instructions that
//! a linker relaxes, arms near their function, and a function that nobody calls.
//!
//! It prints what each answers before and after the patch.

#![no_std]

use core::arch::{asm, global_asm};
use core::fmt::{self, Write};
use core::hint::black_box;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use alt_runtime::boot::Detected;
use alt_runtime::cap::IdRegs;
use alt_runtime::patch::WritableAlias;
use alt_runtime::{
    CallbackError, Image, Insn, Site, alternative, alternative_cb, asm_macros, callback,
    cpu_has_cap,
};

mod cpucaps {
    alt_runtime::cpucaps!("cpucaps.toml");
}
use cpucaps::{ALWAYS, CRC32, LSE, PAN};

/* # A machine: QEMU's `virt` */

// One gigabyte of devices and one of memory, both one to one (Arm ARM D8.3.1.2); MAIR, TCR with
// 39 bits of address and 4 KiB granule, SCTLR: MMU and caches on.
global_asm!(
    ".section .text.entry, \"ax\"",
    ".globl _start",
    ".type _start, %function",
    "_start:",
    "adrp x0, stack_end",
    "add x0, x0, :lo12:stack_end",
    "mov sp, x0",
    "mov x0, #3 << 20",
    "msr cpacr_el1, x0",
    "mov x0, #0xff00",
    "msr mair_el1, x0",
    "movz x0, #0x3519",
    "movk x0, #0x0080, lsl #16",
    "msr tcr_el1, x0",
    "adrp x0, map",
    "add x0, x0, :lo12:map",
    "msr ttbr0_el1, x0",
    "isb",
    "mrs x0, sctlr_el1",
    "movz x1, #0x1005",
    "orr x0, x0, x1",
    "msr sctlr_el1, x0",
    "isb",
    "b main",
    ".size _start, . - _start",
    ".section .rodata.map, \"a\"",
    ".balign 4096",
    "map:",
    ".quad 0x0060000000000401, 0x40000705",
    ".zero 4096 - 16",
    ".section .bss.stack, \"aw\", %nobits",
    ".balign 16",
    ".zero 0x10000",
    "stack_end:",
    // As large as firmware or a file system, so that `adr` does not reach the data behind it.
    ".section .rodata.blob, \"aR\"",
    ".zero 0x180000",
    ".text",
);

unsafe extern "C" {
    static text_begin: [u32; 0];
    static text_end: [u32; 0];
}

fn text() -> Range<*const u32> {
    (&raw const text_begin).cast()..(&raw const text_end).cast()
}

/// All memory is mapped writable, so the text is its own alias.
struct Alias;

// SAFETY: the map above makes all memory readable, writable and executable.
unsafe impl WritableAlias for Alias {
    type Error = core::convert::Infallible;

    fn open(&mut self, text: Range<u64>) -> Result<*mut u32, Self::Error> {
        Ok(text.start as *mut u32)
    }

    fn close(&mut self) {}
}

struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the data register of UART0 on QEMU's `virt`.
            unsafe { (0x0900_0000 as *mut u32).write_volatile(byte.into()) };
        }
        Ok(())
    }
}

fn power_off() -> ! {
    // SAFETY: PSCI SYSTEM_OFF does not come back.
    unsafe { asm!("hvc #0", in("x0") 0x8400_0008_u64, options(noreturn)) }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let _ = writeln!(Console, "{info}");
    power_off()
}

/* # Functions of equal text */

macro_rules! functions {
    ($($name:ident $body:expr;)*) => {
        $(#[inline(never)]
        extern "C" fn $name() -> u64 {
            // SAFETY: moves and hints.
            #[allow(unused_unsafe)]
            unsafe { $body }
        })*
    };
}

/// A site that answers a number, by an arm under a cpucap.
macro_rules! number {
    ($macro:ident $($arm:tt)*) => {{
        let number: u64;
        $macro!(
            "mov {number}, #1",
            $($arm)*,
            number = out(reg) number,
            options(nomem, nostack, preserves_flags),
        );
        number
    }};
}

macro_rules! nops {
    ($cap:ident) => {{
        let number: u64;
        alternative_cb!(
            "mov {number}, #7",
            $cap => nops,
            number = inout(reg) 1_u64 => number,
            options(nomem, nostack, preserves_flags),
        );
        number
    }};
}

/// An arm of short reach, which is kept near its function.
macro_rules! near {
    ($cap:ident) => {{
        alternative!(
            "nop",
            $cap => "cbz xzr, {there}",
            there = label { return 8 },
            options(nomem, nostack, preserves_flags),
        );
        9
    }};
}

functions! {
    has_lse u64::from(cpu_has_cap!(unlikely LSE));
    has_crc32 u64::from(cpu_has_cap!(unlikely CRC32));
    has_pan u64::from(cpu_has_cap!(unlikely PAN));
    likely_lse u64::from(cpu_has_cap!(likely LSE));
    likely_crc32 u64::from(cpu_has_cap!(likely CRC32));
    arm_lse number!(alternative LSE => "mov {number}, #2");
    arm_crc32 number!(alternative CRC32 => "mov {number}, #2");
    other_arm number!(alternative LSE => "mov {number}, #3");
    one_more_arm number!(alternative LSE => "mov {number}, #2", CRC32 => "mov {number}, #4");
    computed_5 number!(alternative_cb ALWAYS => FIVE);
    computed_6 number!(alternative_cb ALWAYS => SIX);
    nops_lse nops!(LSE);
    nops_crc32 nops!(CRC32);
    near_lse near!(LSE);
    near_crc32 near!(CRC32);
}

fn five(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words[0] = Insn::movz(words[0].rd(), 5, 0)?;
    Ok(())
}

fn six(_: &Site<'_>, words: &mut [Insn]) -> Result<(), CallbackError> {
    words[0] = Insn::movz(words[0].rd(), 6, 0)?;
    Ok(())
}

callback! {
    /// Puts 5 in the place of what is there.
    static FIVE = five;
    /// And 6.
    static SIX = six;
}

// The same in assembly, with a branch and an arm.
global_asm!(
    asm_macros!(),
    ".macro predicate name, cap",
    ".section .text.\\name, \"ax\"",
    ".globl \\name",
    ".type \\name, %function",
    "\\name:",
    "mov x0, #10",
    "branch_if_cap \\cap, 1f",
    "ret",
    "1:",
    "alternative_begin",
    "nop",
    "alternative_arm \\cap",
    "mov x0, #11",
    "alternative_end",
    "ret",
    ".size \\name, . - \\name",
    ".endm",
    "predicate asm_lse, {lse}",
    "predicate asm_crc32, {crc32}",
    ".text",
    lse = const LSE.number(),
    crc32 = const CRC32.number(),
);

unsafe extern "C" {
    safe fn asm_lse() -> u64;
    safe fn asm_crc32() -> u64;
}

/* # What linkers relax */

/// Behind the replacements, and far from the text.
#[unsafe(no_mangle)]
static VARIABLE: AtomicU64 = AtomicU64::new(42);

#[inline(never)]
extern "C" fn address() -> u64 {
    let address: u64;
    // SAFETY: makes an address.
    unsafe {
        alternative!(
            "movz {a}, #0", "nop",
            ALWAYS => "adrp {a}, {t}", "add {a}, {a}, :lo12:{t}",
            a = out(reg) address, t = sym VARIABLE,
            options(nomem, nostack, preserves_flags),
        );
    }
    address
}

#[inline(never)]
extern "C" fn address_by_got() -> u64 {
    let address: u64;
    // SAFETY: makes an address.
    unsafe {
        alternative!(
            "movz {a}, #0", "nop", "nop",
            ALWAYS => "nop", "adrp {a}, :got:{t}", "ldr {a}, [{a}, :got_lo12:{t}]",
            a = out(reg) address, t = sym VARIABLE,
            options(nostack, preserves_flags),
        );
    }
    address
}

/* # What nobody calls */

/// Kept only where the linker collects nothing.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn dead() -> u64 {
    u64::from(cpu_has_cap!(unlikely PAN)) + 1000
}

/* # Run */

/// A function of the assembler's as one of Rust's.
macro_rules! as_function {
    ($name:ident) => {{
        extern "C" fn call() -> u64 {
            $name()
        }
        call
    }};
}

fn answers(when: &str) {
    let functions: [extern "C" fn() -> u64; 17] = [
        has_lse,
        has_crc32,
        has_pan,
        likely_lse,
        likely_crc32,
        arm_lse,
        arm_crc32,
        other_arm,
        one_more_arm,
        computed_5,
        computed_6,
        nops_lse,
        nops_crc32,
        near_lse,
        near_crc32,
        as_function!(asm_lse),
        as_function!(asm_crc32),
    ];
    let _ = write!(Console, "{when}:");
    for function in functions {
        let _ = write!(Console, " {}", black_box(function)());
    }
    let here = (&raw const VARIABLE) as u64;
    let is_here = |address: u64| match address {
        0 => "default",
        _ if address == here => "right",
        _ => "wrong",
    };
    let _ = writeln!(
        Console,
        " {} {} {}",
        is_here(black_box(address as extern "C" fn() -> u64)()),
        is_here(black_box(address_by_got as extern "C" fn() -> u64)()),
        VARIABLE.load(Ordering::Relaxed),
    );
}

#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    answers("before");
    let detected = Detected::new(&cpucaps::TABLE, IdRegs::read()).unwrap();
    // SAFETY: the bounds of the executable text; the tables are mapped.
    let mut image = unsafe { Image::new(text()) };
    // SAFETY: no other CPU runs; the alias maps the memory of the text.
    match unsafe { detected.patch(&mut image, &mut Alias) } {
        Ok(_) => answers("after"),
        Err(why) => {
            let _ = writeln!(Console, "not patched: {why}");
        }
    }
    power_off()
}
