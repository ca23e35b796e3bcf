//! The registers that the kernel and the hypervisor have written, as they read.

use super::{Service, mrs};
use crate::abi::REGISTERS;

/// [`Register`](crate::abi::Service::Register).
pub struct Register;

/// Their values, in the order of [`REGISTERS`].
static READ: [fn() -> u64; REGISTERS.len()] = [
    || mrs!("hcr_el2"),
    || mrs!("sctlr_el2"),
    || mrs!("tcr_el2"),
    || mrs!("mair_el2"),
    || mrs!("cptr_el2"),
    || mrs!("cnthctl_el2"),
    || mrs!("mdcr_el2"),
    || mrs!("hstr_el2"),
    || mrs!("vttbr_el2"),
    || mrs!("cntvoff_el2"),
    || mrs!("vpidr_el2"),
    || mrs!("vmpidr_el2"),
];

impl Service for Register {
    fn run(&self, [number, _]: [u64; 2]) -> u64 {
        READ[number as usize]()
    }
}
