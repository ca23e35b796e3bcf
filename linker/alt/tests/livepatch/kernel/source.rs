#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU32, Ordering};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

static TICKS: AtomicU32 = AtomicU32::new(1);
static SPARE: AtomicU32 = AtomicU32::new(0);

struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: a device of the machine.
            unsafe { core::ptr::write_volatile(0x900_0000 as *mut u8, byte) };
        }
        Ok(())
    }
}

#[inline(never)]
fn tick(by: u32) -> u32 {
    TICKS.fetch_add(by, Ordering::Relaxed)
}

#[inline(never)]
fn spare(by: u32) -> u32 {
    TICKS.fetch_sub(1, Ordering::Relaxed) + SPARE.fetch_add(by, Ordering::Relaxed)
}

#[inline(never)]
fn greet(count: u32) {
    let _ = write!(Console, "hello {count}\n");
}

#[inline(never)]
fn work(list: &[u32]) -> u32 {
    let mut sum = tick(1);
    for entry in list {
        sum = sum.wrapping_mul(31).wrapping_add(spare(*entry));
    }
    sum
}

#[inline(never)]
fn twice(list: &[u32]) -> u32 {
    work(list) + work(list)
}

#[unsafe(no_mangle)]
extern "C" fn _start(count: u32) -> u32 {
    greet(count);
    twice(&[count, 7])
}
