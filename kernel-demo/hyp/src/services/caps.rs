//! What the text was patched for: branches on cpucaps, without a look at memory.

use alt_runtime::cpu_has_cap;

use super::Service;
use crate::image::cpucaps::{ALWAYS_BOOT, ALWAYS_SYSTEM, CRC32, HVHE, IDC, LSE, PAN, SB};

/// [`Caps`](crate::abi::Service::Caps).
pub struct Caps;

impl Service for Caps {
    fn run(&self, _: [u64; 2]) -> u64 {
        let present = [
            cpu_has_cap!(likely ALWAYS_BOOT),
            cpu_has_cap!(unlikely ALWAYS_SYSTEM),
            cpu_has_cap!(unlikely HVHE),
            cpu_has_cap!(likely LSE),
            cpu_has_cap!(unlikely SB),
            cpu_has_cap!(likely CRC32),
            cpu_has_cap!(unlikely PAN),
            cpu_has_cap!(unlikely IDC),
        ];
        let bits = present
            .iter()
            .zip(0..)
            .map(|(has, bit)| u64::from(*has) << bit);
        bits.sum()
    }
}
