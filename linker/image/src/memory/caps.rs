//! The cpucaps that a running Linux has decided, read from its memory.

use alt_runtime::cap::{Cap, CapSet, MAX_CAPS};

use super::Memory;
use crate::image::Image;

/// The bitmaps of the cpucaps of the system, which include those of the boot CPU: from Linux 6.5,
/// and before.
const SYSTEM: [&str; 2] = ["system_cpucaps", "cpu_hwcaps"];

/// The variables with the cpucaps of the boot CPU: from Linux 6.5, and before.
const BOOT: [&str; 2] = ["boot_cpucaps", "boot_capabilities"];

/// Cpucaps in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapsInMemory {
    /// The cpucaps that are present.
    pub present: CapSet,
    /// The variable with the bitmap.
    pub symbol: &'static str,
}

/// Reads the cpucaps; `None` if the image has no such variables, the dump does not have them, or
/// they are still empty.
pub fn read(image: &Image, dump: &[Memory<'_>]) -> Option<CapsInMemory> {
    let (symbol, system) = SYSTEM.iter().find_map(|name| bitmap(image, dump, name))?;
    let boot = BOOT.iter().find_map(|name| bitmap(image, dump, name));
    let present = match boot {
        Some((_, boot)) => system.union(&boot),
        None => system,
    };
    (!present.is_empty()).then_some(CapsInMemory { present, symbol })
}

/// A bitmap of `unsigned long`, bit 0 first (`include/linux/bitmap.h`).
fn bitmap(
    image: &Image,
    dump: &[Memory<'_>],
    name: &'static str,
) -> Option<(&'static str, CapSet)> {
    let symbol = image.symbols().get(name)?;
    let mut set = CapSet::new();
    for (word, at) in (0..).zip(symbol.range.clone().step_by(8)) {
        let value = dump.iter().find_map(|piece| piece.doubleword(at))?;
        let bits = (0..64).filter(|bit| value >> bit & 1 != 0);
        for number in bits.map(|bit| 64 * word + bit) {
            if number < MAX_CAPS {
                set.insert(Cap::new(u16::try_from(number).ok()?, true));
            }
        }
    }
    Some((name, set))
}
