//! The services, one in each file.
//!
//! Their table is of pointers to data and to functions: absolute addresses, which boot corrects
//! once for where the hypervisor runs.

mod caps;
mod clobber;
mod constants;
mod count;
mod element;
mod exchange;
mod identity;
mod read;
mod register;

use crate::abi::Service as Number;

/// What can be called from EL1.
pub trait Service: Sync {
    /// Answers a call with these arguments, x1 and x2.
    fn run(&self, arguments: [u64; 2]) -> u64;
}

/// The services in the order of their numbers.
pub static SERVICES: [&dyn Service; Number::ALL.len()] = [
    &identity::Identity,
    &caps::Caps,
    &count::Count,
    &constants::Address,
    &constants::Offset,
    &constants::CacheType,
    &exchange::Exchange,
    &element::Element,
    &read::Read,
    &clobber::Clobber,
    &register::Register,
];

/// Reads a system register.
macro_rules! mrs {
    ($register:literal) => {{
        let value: u64;
        // SAFETY: reading the register has no effect.
        unsafe {
            core::arch::asm!(
                concat!("mrs {}, ", $register),
                out(reg) value,
                options(nomem, nostack, preserves_flags),
            );
        }
        value
    }};
}
use mrs;
