//! A kernel with a table of cpucaps and a function that nobody calls.

#![no_std]
#![no_main]

use core::hint::black_box;

use alt_runtime::cpu_has_cap;

mod cpucaps {
    alt_runtime::cpucaps!("odd.toml");
}

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    black_box(&cpucaps::TABLE);
    black_box(cpu_has_cap!(likely cpucaps::FIRST));
    #[cfg(second)]
    second::run();
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
