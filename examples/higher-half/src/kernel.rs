//! The kernel: it executes the sites before and after the pass, on all CPUs, and checks the results.

use dtoolkit::fdt::Fdt;

use crate::console::{power_off, print};
use crate::memory::{self, OFFSET};
use crate::{sites, smp};

/// As much of the device tree as is mapped, in bytes: QEMU reserves 1 MiB.
const DEVICE_TREE_SIZE: usize = 1 << 20;

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

    sites::work();
    crate::alternatives::apply(line.unwrap_or(""));
    sites::work();
    assert!(memory::text_is_protected());
    let cpus = 1 + smp::start();
    // The boot CPU has also worked before the pass.
    let expected = (cpus + 1) * sites::ROUNDS;
    let counted = sites::counted();
    match counted == expected {
        true => print(format_args!("ok: {cpus} CPUs counted to {counted}")),
        false => print(format_args!(
            "FAILED: {cpus} CPUs counted to {counted}, not {expected}"
        )),
    }
    power_off()
}
