//! Parts that every kernel has: boot, memory, a console, a clock, the command line.

use core::arch::asm;
use core::fmt::{self, Write};

use aarch64_rt::{ExceptionHandlers, InitialPagetable, exception_handlers};
use dtoolkit::fdt::Fdt;
use smccc::{Hvc, psci};
use spin::mutex::SpinMutex;

// 1 GiB of devices and 1 GiB of memory (Arm ARM D8.3.1.2), mapped one to one.
const BLOCK: usize = 1 | 1 << 10 | 3 << 8;
aarch64_rt::initial_pagetable!({
    let mut table = [0; 512];
    table[0] = BLOCK | 1 << 54 | 1 << 53;
    table[1] = 0x4000_0000 | BLOCK | 1 << 2;
    InitialPagetable(table)
});

/// CPUs of the machine: 0 boots, the last one comes late.
pub const MAX_CPUS: usize = 5;
/// The address of the device tree that QEMU passes to a kernel in an ELF file.
const DEVICE_TREE: usize = 0x4000_0000;

/// The device tree; its command line is that of `-append`.
pub fn device_tree() -> Option<Fdt<'static>> {
    // SAFETY: QEMU puts the device tree there, the memory is mapped, and it is never written.
    unsafe { Fdt::from_raw(DEVICE_TREE as *const u8) }.ok()
}

/// Milliseconds, of the virtual counter.
pub fn now() -> u64 {
    let (count, frequency): (u64, u64);
    // SAFETY: registers that are only read.
    unsafe {
        asm!(
            "isb",
            "mrs {count}, cntvct_el0",
            "mrs {frequency}, cntfrq_el0",
            count = out(reg) count,
            frequency = out(reg) frequency,
            options(nostack, preserves_flags),
        );
    }
    count / (frequency / 1000)
}

/// Switches the machine off.
pub fn system_off() -> ! {
    let _ = psci::system_off::<Hvc>();
    loop {
        core::hint::spin_loop();
    }
}

struct Console;
static CONSOLE: SpinMutex<Console> = SpinMutex::new(Console);

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
    let _ = writeln!(CONSOLE.lock(), "{line}");
}

struct Handlers;
impl ExceptionHandlers for Handlers {}
exception_handlers!(Handlers);

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    print(format_args!("{info}"));
    system_off()
}
