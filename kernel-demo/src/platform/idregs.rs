//! The ID registers of a CPU, after the overrides on the command line.

use alt_runtime::cap::{IdRegs, Overrides};
use defmt::{Display2Format, info};
use spin::Once;

use super::{device_tree, interrupts};
use crate::cpucaps;

static OVERRIDES: Once<Overrides> = Once::new();

/// Parses the overrides (`arm64.nolse`, `id_aa64mmfr1.vh=0`, …) and logs those that it ignores. To
/// be called once, by the boot CPU.
pub fn parse_overrides() {
    OVERRIDES.call_once(|| {
        device_tree::with_command_line(|line| {
            Overrides::parse(&cpucaps::TABLE, line, |rejected| {
                info!("override ignored: {}", Display2Format(&rejected));
            })
        })
    });
}

/// Reads the registers of the calling CPU, number `cpu`, and applies the overrides.
///
/// A word `cpuN.OVERRIDE` applies to CPU N only. It makes that CPU differ from the others.
pub fn read(cpu: usize) -> IdRegs {
    let mut ids = interrupts::without_disabled_registers(IdRegs::read());
    if let Some(overrides) = OVERRIDES.get() {
        overrides.apply(&mut ids, |applied| {
            if cpu == 0 {
                info!("override: {}", Display2Format(&applied));
            }
        });
    }
    device_tree::with_command_line(|line| {
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
