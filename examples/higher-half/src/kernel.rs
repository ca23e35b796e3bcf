//! Executes the sites before and after the pass, on all CPUs, and checks their results.

use core::sync::atomic::{AtomicU64, Ordering};

use dtoolkit::fdt::Fdt;

use crate::console::{power_off, print};
use crate::memory::{self, OFFSET};
use crate::{sites, smp};

/// As much of the device tree as is mapped, in bytes: QEMU reserves 1 MiB.
const DEVICE_TREE_SIZE: usize = 1 << 20;
/// Calls of each site per CPU.
const ROUNDS: u64 = 1000;
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// The first Rust function, on the boot CPU.
pub extern "C" fn main(device_tree: usize) -> ! {
    let device_tree = device_tree + OFFSET;
    memory::protect(device_tree..device_tree + DEVICE_TREE_SIZE);
    // SAFETY: the memory is mapped and never written; `from_raw` refuses anything but a device tree.
    let tree = unsafe { Fdt::from_raw(device_tree as *const u8) }.ok();
    let chosen = tree.as_ref().and_then(|tree| tree.chosen());
    let line = chosen
        .as_ref()
        .and_then(|chosen| chosen.bootargs().ok().flatten());

    work();
    crate::alternatives::apply(line.unwrap_or(""));
    work();
    assert!(memory::text_is_protected());
    let cpus = 1 + smp::start();
    // The boot CPU has also worked before the pass.
    let expected = (cpus + 1) * ROUNDS;
    let counted = COUNTER.load(Ordering::Relaxed);
    match counted == expected {
        true => print(format_args!("ok: {cpus} CPUs counted to {counted}")),
        false => print(format_args!(
            "FAILED: {cpus} CPUs counted to {counted}, not {expected}"
        )),
    }
    power_off()
}

/// Executes each site and checks the results.
pub fn work() {
    for _ in 0..ROUNDS {
        sites::add(&COUNTER, 1);
        sites::speculation_barrier();
    }
    // The check value of CRC-32/ISO-HDLC.
    assert_eq!(sites::crc32(b"123456789"), 0xcbf4_3926);
}
