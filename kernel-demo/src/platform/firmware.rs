//! Calls to the firmware: PSCI by HVC or SMC, as the device tree says.

use smccc::{Call, Hvc, Smc, psci};
use spin::Once;

use super::device_tree;

/// The conduit of this machine. QEMU uses SMC if the machine has EL2, else HVC.
pub struct Firmware;

fn uses_smc() -> bool {
    static USES_SMC: Once<bool> = Once::new();
    *USES_SMC.call_once(device_tree::psci_uses_smc)
}

impl Call for Firmware {
    fn call32(function: u32, args: [u32; 7]) -> [u32; 8] {
        match uses_smc() {
            true => Smc::call32(function, args),
            false => Hvc::call32(function, args),
        }
    }

    fn call64(function: u32, args: [u64; 17]) -> [u64; 18] {
        match uses_smc() {
            true => Smc::call64(function, args),
            false => Hvc::call64(function, args),
        }
    }
}

/// Switches the machine off.
pub fn power_off() -> ! {
    let _ = psci::system_off::<Firmware>();
    halt()
}

/// Switches the calling CPU off.
pub fn cpu_off() -> ! {
    let _ = psci::cpu_off::<Firmware>();
    halt()
}

/// Whether CPU number `cpu` is off.
pub fn is_cpu_off(cpu: usize) -> bool {
    let state = psci::affinity_info::<Firmware>(cpu as u64, psci::LowestAffinityLevel::All);
    state == Ok(psci::AffinityState::Off)
}

/// For a call that returns although it must not.
fn halt() -> ! {
    loop {
        aarch64_cpu::asm::wfi();
    }
}
