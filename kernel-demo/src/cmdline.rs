//! The kernel's command line, from the device tree.

use alt_runtime::cap::{IdRegs, Overrides};
use defmt::{Display2Format, info};
use dtoolkit::fdt::Fdt;
use dtoolkit::{Node, Property};
use spin::Once;

use crate::{cpucaps, interrupts};

/// Where QEMU puts the device tree for an ELF kernel: at the start of RAM.
pub const DEVICE_TREE: usize = 0x4000_0000;
/// As much of it as is mapped, in bytes: QEMU reserves 1 MiB.
pub const DEVICE_TREE_SIZE: usize = 1 << 20;

static OVERRIDES: Once<Overrides> = Once::new();

fn device_tree() -> Option<Fdt<'static>> {
    // SAFETY: the memory is mapped and nothing writes it; what is not a device
    // tree is refused.
    unsafe { Fdt::from_raw(DEVICE_TREE as *const u8) }.ok()
}

/// Calls `read` with the command line.
fn with_line<R>(read: impl FnOnce(&str) -> R) -> R {
    let tree = device_tree();
    let chosen = tree.and_then(|tree| tree.chosen());
    let line = chosen
        .as_ref()
        .and_then(|chosen| chosen.bootargs().ok().flatten());
    read(line.unwrap_or(""))
}

/// Whether the command line has this word.
pub fn has_word(word: &str) -> bool {
    with_line(|line| line.split_ascii_whitespace().any(|other| other == word))
}

/// The decimal number behind `key`, in the first word that begins with it and goes on with one.
pub fn number(key: &str) -> Option<u64> {
    with_line(|line| {
        line.split_ascii_whitespace()
            .find_map(|word| word.strip_prefix(key)?.parse().ok())
    })
}

/// Whether the firmware is called by SMC, rather than by HVC.
pub fn firmware_by_smc() -> bool {
    let psci = device_tree().and_then(|tree| tree.find_node("/psci"));
    psci.and_then(|psci| psci.property("method"))
        .is_some_and(|method| method.value() == b"smc\0")
}

/// Reads what the command line says of cpucaps, and logs what it has to ignore.
pub fn parse() {
    OVERRIDES.call_once(|| {
        with_line(|line| {
            Overrides::parse(&cpucaps::TABLE, line, |rejected| {
                info!("override ignored: {}", Display2Format(&rejected));
            })
        })
    });
}

/// The registers of the calling CPU, number `cpu`, as the command line wants them
/// seen. Words `cpuN.OVERRIDE` are for CPU N alone: so it is made to differ from
/// the others.
pub fn registers(cpu: usize) -> IdRegs {
    let mut ids = interrupts::without_disabled_registers(IdRegs::read());
    if let Some(overrides) = OVERRIDES.get() {
        overrides.apply(&mut ids, |applied| {
            if cpu == 0 {
                info!("override: {}", Display2Format(&applied));
            }
        });
    }
    with_line(|line| {
        for word in line.split_ascii_whitespace() {
            let own = word
                .strip_prefix("cpu")
                .and_then(|word| word.split_once('.'));
            if let Some((number, word)) = own
                && number.parse() == Ok(cpu)
            {
                Overrides::parse(&cpucaps::TABLE, word, |_| ()).apply(&mut ids, |applied| {
                    info!("CPU {=usize}: {}", cpu, Display2Format(&applied));
                });
            }
        }
    });
    ids
}
