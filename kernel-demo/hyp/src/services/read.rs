//! A look at any address, mapped or not.

use core::arch::asm;

use super::Service;

/// [`Read`](crate::abi::Service::Read).
pub struct Read;

impl Service for Read {
    fn run(&self, [address, _]: [u64; 2]) -> u64 {
        let word;
        // SAFETY: a load of mapped memory has no effect, there being no devices; one of other
        // memory faults, and the call ends.
        unsafe {
            asm!(
                "ldr {word}, [{address}]",
                address = in(reg) address,
                word = out(reg) word,
                options(nostack, preserves_flags, readonly),
            );
        }
        word
    }
}
