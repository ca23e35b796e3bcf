//! Console, power-off, exceptions and panics.

use core::fmt::{self, Write};

use aarch64_cpu::registers::{ELR_EL1, ESR_EL1, FAR_EL1, Readable};
use aarch64_rt::{ExceptionHandlers, RegisterStateRef, exception_handlers};
use smccc::{Hvc, psci};
use spin::Mutex;

use crate::memory::UART;

struct Console;
static CONSOLE: Mutex<Console> = Mutex::new(Console);

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the data register of the UART, which is mapped.
            unsafe { (UART as *mut u32).write_volatile(byte.into()) };
        }
        Ok(())
    }
}

/// Writes one line.
pub fn print(line: fmt::Arguments<'_>) {
    let _ = writeln!(CONSOLE.lock(), "{line}");
}

/// Switches the machine off.
pub fn power_off() -> ! {
    let _ = psci::system_off::<Hvc>();
    loop {
        core::hint::spin_loop();
    }
}

struct Handlers;
exception_handlers!(Handlers);

impl ExceptionHandlers for Handlers {
    extern "C" fn sync_current(_: RegisterStateRef) {
        panic!(
            "exception at {:#x}: ESR_EL1 {:#x}, FAR_EL1 {:#x}",
            ELR_EL1.get(),
            ESR_EL1.get(),
            FAR_EL1.get()
        );
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let _ = writeln!(Console, "{info}");
    power_off()
}
