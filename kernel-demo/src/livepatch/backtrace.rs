//! The calls in progress when an exception ends the kernel. Functions of payloads are named here: the
//! image, by which a host names the others, does not have them.

use aarch64_cpu::registers::{MPIDR_EL1, Readable};
use alt_runtime::livepatch::{Frame, Place, Who, walk};
use defmt::{Display2Format, error};

use super::LIVEPATCH;
use super::cpus::Cpus;

/// Logs the calls in progress, from the innermost one on.
pub fn log(frame: Frame) {
    // QEMU's `virt` numbers its first CPUs in Aff0.
    let cpu = MPIDR_EL1.get() as usize & 0xff;
    let walked = walk(&Cpus, Who::Cpu(cpu), frame, |place| {
        log_place(place);
        None::<()>
    });
    if let Err(why) = walked {
        error!("backtrace ends: {}", Display2Format(&why));
    }
}

fn log_place(place: Place) {
    let address = place.address();
    let named = LIVEPATCH.lookup(place.code(), |symbol| {
        error!(
            "backtrace {=u64:#x} {=str}+{=u64:#x} of payload {=str}",
            address,
            symbol.function.unwrap_or("(no function)"),
            symbol.offset,
            symbol.payload
        );
    });
    if named.is_none() {
        error!("backtrace {=u64:#x}", address);
    }
}
