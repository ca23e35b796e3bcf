//! Parts that every kernel has: memory, a console, exceptions.

use core::arch::asm;
use core::fmt::{self, Write};

use aarch64_rt::{ExceptionHandlers, InitialPagetable, exception_handlers, initial_pagetable};
use smccc::{Hvc, Smc, psci};

/// Switches the machine off.
pub fn power_off() -> ! {
    // QEMU emulates firmware above the kernel: at EL2, or at EL3 if the machine has EL2.
    let _ = match current_el() {
        2 => psci::system_off::<Smc>(),
        _ => psci::system_off::<Hvc>(),
    };
    loop {
        core::hint::spin_loop();
    }
}

/// The exception level at which the kernel runs: the one at which it was entered.
pub fn current_el() -> u64 {
    let value: u64;
    // SAFETY: reads a register, which has the level in bits 3:2 (Arm ARM C5.2.1).
    unsafe { asm!("mrs {}, CurrentEL", out(reg) value, options(nomem, nostack)) };
    value >> 2
}

// 1 GiB of devices and 1 GiB of memory (Arm ARM D8.3.1.2), at their physical addresses.
const BLOCK: usize = 1 | 1 << 10 | 3 << 8;
initial_pagetable!({
    let mut table = [0; 512];
    table[0] = BLOCK | 1 << 54 | 1 << 53;
    table[1] = 0x4000_0000 | BLOCK | 1 << 2;
    InitialPagetable(table)
});

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

/// Writes one line.
pub fn print(line: fmt::Arguments<'_>) {
    let _ = writeln!(Console, "{line}");
}

struct Handlers;
impl ExceptionHandlers for Handlers {}
exception_handlers!(Handlers);

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    print(format_args!("{info}"));
    power_off()
}
