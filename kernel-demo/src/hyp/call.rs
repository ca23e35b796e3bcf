//! Calls to the hypervisor.

use core::arch::{asm, naked_asm};

use defmt::Format;
use demo_hyp::abi::{Service, status};

/// Why a call has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Format)]
pub enum HypError {
    /// No hypervisor is installed on this CPU.
    Absent,
    /// There is no service of this number.
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
    /// An answer that is none.
    Answer(u64),
}

/// Calls a service.
pub fn call(service: Service, arguments: [u64; 2]) -> Result<u64, HypError> {
    call_number(service as u64, arguments)
}

/// Calls the service of this number, if there is one.
pub fn call_number(service: u64, [first, second]: [u64; 2]) -> Result<u64, HypError> {
    let (answer, value, further): (u64, u64, u64);
    // SAFETY: the call keeps what the C ABI keeps. Whatever the hypervisor may write of the
    // kernel's is made for that.
    unsafe {
        asm!(
            "bl {hypercall}",
            hypercall = sym hypercall,
            inout("x0") service => answer,
            inout("x1") first => value,
            inout("x2") second => further,
            clobber_abi("C"),
        );
    }
    match answer {
        status::OK => Ok(value),
        status::UNKNOWN => Err(HypError::Unknown(value)),
        status::PANIC => Err(HypError::Panicked {
            line: value,
            column: further,
        }),
        status::FAULT => Err(HypError::Fault {
            syndrome: value,
            address: further,
        }),
        status::ABSENT => Err(HypError::Absent),
        other => Err(HypError::Answer(other)),
    }
}

/// The call itself. Its return address is in x30, which both ways back use.
#[unsafe(naked)]
unsafe extern "C" fn hypercall() {
    naked_asm!("hvc #0", "ret")
}

/// Where the hypervisor returns to when a service has faulted: with the registers of the call, and
/// the fault in x0 to x2.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn hyp_fault_landing() {
    naked_asm!("ret")
}
