//! Calls to the hypervisor.

use core::arch::{asm, naked_asm};

use defmt::Format;
use demo_hyp::abi::{Service, status};

/// Why a call has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Format)]
pub enum HypError {
    /// No hypervisor is installed on this CPU.
    Absent,
    /// There is no service with this number.
    Unknown(u64),
    /// The service panicked at this line and column of its source.
    Panicked { line: u64, column: u64 },
    /// The service faulted.
    Fault {
        /// ESR_EL2.
        syndrome: u64,
        /// FAR_EL2.
        address: u64,
    },
    /// The status is not one of the ABI.
    Status(u64),
}

/// Calls a service.
pub fn call(service: Service, arguments: [u64; 2]) -> Result<u64, HypError> {
    call_number(service as u64, arguments)
}

/// Calls the service with this number, if there is one.
pub fn call_number(service: u64, [first, second]: [u64; 2]) -> Result<u64, HypError> {
    let (status, value, more): (u64, u64, u64);
    // SAFETY: the call preserves the registers that the C ABI preserves, and the hypervisor writes
    // only memory that it shares with the kernel.
    unsafe {
        asm!(
            "bl {hypercall}",
            hypercall = sym hypercall,
            inout("x0") service => status,
            inout("x1") first => value,
            inout("x2") second => more,
            clobber_abi("C"),
        );
    }
    match status {
        status::OK => Ok(value),
        status::UNKNOWN => Err(HypError::Unknown(value)),
        status::PANIC => Err(HypError::Panicked {
            line: value,
            column: more,
        }),
        status::FAULT => Err(HypError::Fault {
            syndrome: value,
            address: more,
        }),
        status::ABSENT => Err(HypError::Absent),
        other => Err(HypError::Status(other)),
    }
}

/// The call itself. The hypervisor returns after the HVC, or after a fault to `hyp_fault_landing`;
/// either way x30 holds the return address of this function.
#[unsafe(naked)]
unsafe extern "C" fn hypercall() {
    naked_asm!("hvc #0", "ret")
}

/// The address at which the hypervisor returns after a fault of a service, with the registers of the
/// call restored and the fault in x0 to x2.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn hyp_fault_landing() {
    naked_asm!("ret")
}
