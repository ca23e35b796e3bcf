//! What is known only at boot, as immediates: the kernel's callbacks have put it there.

use alt_runtime::alternative_cb;

use super::Service;
use crate::image::cpucaps::ALWAYS_SYSTEM;
use crate::image::kernel::{HYP_ADDRESS, HYP_CACHE_TYPE, HYP_OFFSET};

/// [`Address`](crate::abi::Service::Address).
pub struct Address;
/// [`Offset`](crate::abi::Service::Offset).
pub struct Offset;
/// [`CacheType`](crate::abi::Service::CacheType).
pub struct CacheType;

impl Service for Address {
    fn run(&self, [address, _]: [u64; 2]) -> u64 {
        let here;
        // SAFETY: the instructions compute one register.
        unsafe {
            alternative_cb!(
                "and {address}, {address}, #1",
                "ror {address}, {address}, #1",
                "add {address}, {address}, #0",
                "add {address}, {address}, #0, lsl #12",
                "ror {address}, {address}, #63",
                ALWAYS_SYSTEM => HYP_ADDRESS,
                address = inout(reg) address => here,
                options(nomem, nostack, preserves_flags),
            );
        }
        here
    }
}

impl Service for Offset {
    fn run(&self, _: [u64; 2]) -> u64 {
        let offset;
        // SAFETY: the instructions set one register.
        unsafe {
            alternative_cb!(
                "movz {offset}, #0",
                "movk {offset}, #0, lsl #16",
                "movk {offset}, #0, lsl #32",
                "movk {offset}, #0, lsl #48",
                ALWAYS_SYSTEM => HYP_OFFSET,
                offset = out(reg) offset,
                options(nomem, nostack, preserves_flags),
            );
        }
        offset
    }
}

impl Service for CacheType {
    fn run(&self, _: [u64; 2]) -> u64 {
        let cache_type;
        // SAFETY: the instructions set one register.
        unsafe {
            alternative_cb!(
                "movz {cache_type}, #0",
                "movk {cache_type}, #0, lsl #16",
                "movk {cache_type}, #0, lsl #32",
                "movk {cache_type}, #0, lsl #48",
                ALWAYS_SYSTEM => HYP_CACHE_TYPE,
                cache_type = out(reg) cache_type,
                options(nomem, nostack, preserves_flags),
            );
        }
        cache_type
    }
}
