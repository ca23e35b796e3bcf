//! Parts that every kernel has: memory, a console, exceptions.

use core::fmt::{self, Write};

use aarch64_rt::{ExceptionHandlers, InitialPagetable, exception_handlers};
use smccc::{Hvc, psci};

/// Switches the machine off.
pub fn power_off() -> ! {
    let _ = psci::system_off::<Hvc>();
    loop {
        core::hint::spin_loop();
    }
}

// 1 GiB of devices and 1 GiB of memory (Arm ARM D8.3.1.2), at their physical addresses.
const BLOCK: usize = 1 | 1 << 10 | 3 << 8;
aarch64_rt::initial_pagetable!({
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
