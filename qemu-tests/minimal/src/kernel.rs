//! The kernel: it prints `ok` or `refused`.

use aarch64_rt::entry;

use crate::board::{power_off, put};

entry!(main);

fn main(argument: u64, _: u64, _: u64, _: u64) -> ! {
    #[cfg(feature = "format")]
    crate::board::print(format_args!("argument {argument:#x}"));
    #[cfg(not(feature = "format"))]
    let _ = argument;
    #[cfg(feature = "patch")]
    let done = crate::patch::apply();
    #[cfg(not(feature = "patch"))]
    let done = true;
    put(if done { "ok\n" } else { "refused\n" });
    power_off()
}
