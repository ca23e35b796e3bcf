//! The kernel: it executes a site before and after the pass.

use core::sync::atomic::{AtomicU64, Ordering};

use aarch64_rt::entry;

use crate::board::{power_off, print};
use crate::sites;

entry!(main);

fn main(_: u64, _: u64, _: u64, _: u64) -> ! {
    let counter = AtomicU64::new(40);
    sites::add(&counter, 1);
    crate::alternatives::apply();
    sites::add(&counter, 1);
    print(format_args!(
        "ok: counted to {}",
        counter.load(Ordering::Relaxed)
    ));
    power_off()
}
