//! The map, the console and the power switch.

use core::fmt::{self, Write};
use core::ops::Range;

use aarch64_rt::InitialPagetable;
use alt_runtime::patch::WritableAlias;
use smccc::{Hvc, psci};

// 1 GiB of devices and 1 GiB of memory (Arm ARM D8.3.1.2).
const BLOCK: usize = 1 | 1 << 10 | 3 << 8;
aarch64_rt::initial_pagetable!({
    let mut table = [0; 512];
    table[0] = BLOCK | 1 << 54 | 1 << 53;
    table[1] = 0x4000_0000 | BLOCK | 1 << 2;
    InitialPagetable(table)
});

unsafe extern "C" {
    static text_begin: [u32; 0];
    static text_end: [u32; 0];
}

/// The bounds of the executable text, from the linker script.
pub fn text() -> Range<*const u32> {
    (&raw const text_begin).cast()..(&raw const text_end).cast()
}

/// All memory is mapped writable, so the text is its own alias.
pub struct Alias;

// SAFETY: the initial map makes all memory readable, writable and executable.
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

/// Writes one line.
pub fn print(line: fmt::Arguments<'_>) {
    let _ = writeln!(Console, "{line}");
}

/// Ends the run.
pub fn power_off() -> ! {
    let _ = psci::system_off::<Hvc>();
    loop {
        core::hint::spin_loop();
    }
}
