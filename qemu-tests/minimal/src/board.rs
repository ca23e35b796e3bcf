//! Memory, a console and the end.

use core::arch::asm;

use aarch64_rt::{ExceptionHandlers, InitialPagetable, exception_handlers};

// 1 GiB of devices and 1 GiB of memory (Arm ARM D8.3.1.2), at their physical addresses.
const BLOCK: usize = 1 | 1 << 10 | 3 << 8;
aarch64_rt::initial_pagetable!({
    let mut table = [0; 512];
    table[0] = BLOCK | 1 << 54 | 1 << 53;
    table[1] = 0x4000_0000 | BLOCK | 1 << 2;
    InitialPagetable(table)
});

/// Writes a text to the console.
pub fn put(text: &str) {
    for byte in text.bytes() {
        // SAFETY: the data register of UART0 on QEMU's `virt`.
        unsafe { (0x0900_0000 as *mut u32).write_volatile(byte.into()) };
    }
}

/// Writes one line.
#[cfg(feature = "format")]
pub fn print(line: core::fmt::Arguments<'_>) {
    use core::fmt::{Result, Write};

    struct Console;
    impl Write for Console {
        fn write_str(&mut self, text: &str) -> Result {
            put(text);
            Ok(())
        }
    }
    let _ = writeln!(Console, "{line}");
}

/// Switches the machine off: PSCI's SYSTEM_OFF.
pub fn power_off() -> ! {
    // SAFETY: the call does not return.
    unsafe { asm!("hvc #0", in("x0") 0x8400_0008_u64, options(noreturn)) }
}

struct Handlers;
impl ExceptionHandlers for Handlers {}
exception_handlers!(Handlers);

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    put("panic\n");
    power_off()
}
