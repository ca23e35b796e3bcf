//! A hypervisor with a bit of everything that compilers make.

#![no_std]
#![no_main]

use core::arch::global_asm;
use core::fmt::Write;
use core::panic::PanicInfo;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

global_asm!(
    ".section .text.vectors, \"ax\"",
    ".balign 2048",
    ".globl vectors",
    ".type vectors, %function",
    "vectors:",
    "b init",
    ".size vectors, . - vectors",
    ".section .text.constant, \"ax\"",
    ".globl constant",
    ".type constant, %function",
    "constant:",
    // A literal pool, with what looks like an instruction in it.
    "ldr x0, 1f",
    "ret",
    "1: .xword 0xd503201fd503201f",
    ".size constant, . - constant",
    ".section .text.unlikely., \"ax\"",
    "bl constant",
    ".section .data..percpu, \"aw\"",
    ".globl percpu",
    "percpu: .xword 1",
);

trait Service: Sync {
    fn call(&self, argument: u64) -> u64;
}

struct Add(u64);
struct Multiply(u64);

impl Service for Add {
    #[inline(never)]
    fn call(&self, argument: u64) -> u64 {
        argument + self.0
    }
}

impl Service for Multiply {
    #[inline(never)]
    fn call(&self, argument: u64) -> u64 {
        argument * self.0
    }
}

static SERVICES: [&dyn Service; 2] = [&Add(1), &Multiply(2)];
static mut CALLS: u64 = 0;
static mut LIMIT: u64 = 1000;
static mut OWN: &u64 = &7;

unsafe extern "C" {
    static SHARED: u64;
    static percpu: u64;
    fn constant() -> u64;
}

struct Text([u8; 64], usize);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            self.0[self.1] = byte;
            self.1 += 1;
        }
        Ok(())
    }
}

#[unsafe(no_mangle)]
extern "C" fn init(service: usize, argument: u64) -> u64 {
    // SAFETY: nothing runs this.
    unsafe {
        CALLS += 1;
        LIMIT -= *OWN;
        if CALLS > LIMIT {
            return constant() + percpu;
        }
    }
    let mut text = Text([0; 64], 0);
    // With all of core's formatting.
    let _ = write!(text, "{service}: {argument:#x}");
    // SAFETY: as above.
    SERVICES[service].call(argument) + unsafe { SHARED } + u64::from(text.0[1])
}
