//! The kernel's command line, from the device tree.

use alt_runtime::cap::{IdRegs, Overrides};
use defmt::{Display2Format, info};
use dtoolkit::fdt::Fdt;
use spin::Once;

use crate::cpucaps;

/// Where QEMU puts the device tree for an ELF kernel: at the start of RAM.
pub const DEVICE_TREE: usize = 0x4000_0000;
/// As much of it as is mapped, in bytes: QEMU reserves 1 MiB.
pub const DEVICE_TREE_SIZE: usize = 1 << 20;

static OVERRIDES: Once<Overrides> = Once::new();

/// Reads what the command line says of cpucaps, and logs what it has to ignore.
pub fn parse() {
    // SAFETY: the memory is mapped and nothing writes it; what is not a device
    // tree is refused.
    let Ok(tree) = (unsafe { Fdt::from_raw(DEVICE_TREE as *const u8) }) else {
        info!("no device tree");
        return;
    };
    let chosen = tree.chosen();
    let line = chosen
        .as_ref()
        .and_then(|chosen| chosen.bootargs().ok().flatten());
    let line = line.unwrap_or("");
    OVERRIDES.call_once(|| {
        Overrides::parse(&cpucaps::TABLE, line, |rejected| {
            info!("override ignored: {}", Display2Format(&rejected));
        })
    });
}

/// The registers of the calling CPU, as the command line wants them seen. `log` is
/// told once, on the boot CPU.
pub fn registers(log: bool) -> IdRegs {
    let mut ids = IdRegs::read();
    if let Some(overrides) = OVERRIDES.get() {
        overrides.apply(&mut ids, |applied| {
            if log {
                info!("override: {}", Display2Format(&applied));
            }
        });
    }
    ids
}
