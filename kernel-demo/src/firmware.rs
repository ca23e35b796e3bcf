//! The way to the firmware (PSCI): HVC or SMC, as the device tree says.

use smccc::{Call, Hvc, Smc};
use spin::Once;

use crate::cmdline;

/// Calls the firmware by the conduit of this machine.
pub struct Firmware;

/// Whether it is SMC. QEMU answers there when the machine has an EL2, and at HVC when not.
fn by_smc() -> bool {
    static BY_SMC: Once<bool> = Once::new();
    *BY_SMC.call_once(cmdline::firmware_by_smc)
}

impl Call for Firmware {
    fn call32(function: u32, args: [u32; 7]) -> [u32; 8] {
        match by_smc() {
            true => Smc::call32(function, args),
            false => Hvc::call32(function, args),
        }
    }

    fn call64(function: u32, args: [u64; 17]) -> [u64; 18] {
        match by_smc() {
            true => Smc::call64(function, args),
            false => Hvc::call64(function, args),
        }
    }
}
