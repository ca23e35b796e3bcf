//! The kernel: it executes a site before and after the pass, and an atomic of the compiler, which is
//! a site too if it is a call (`.cargo/config.toml`).

use core::sync::atomic::{AtomicU64, Ordering};

use aarch64_rt::entry;

use crate::board::{current_el, power_off, print};
use crate::sites;

entry!(main);

fn main(_: u64, _: u64, _: u64, _: u64) -> ! {
    let counter = AtomicU64::new(38);
    counter.fetch_add(1, Ordering::Relaxed);
    sites::add(&counter, 1);
    crate::alternatives::apply();
    sites::add(&counter, 1);
    counter.fetch_add(1, Ordering::Relaxed);
    print(format_args!(
        "ok: counted to {} at EL{}",
        counter.load(Ordering::Relaxed),
        current_el()
    ));
    power_off()
}
