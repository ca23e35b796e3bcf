//! Services with sites: branches on cpucaps, an atomic, and constants that callbacks of the kernel
//! put into the text.

use core::sync::atomic::AtomicU64;

use alt_runtime::{alternative, alternative_cb, cpu_has_cap};

use super::Service;
use crate::abi::COUNT_FROM;
use crate::image::cpucaps::{ALWAYS_BOOT, ALWAYS_SYSTEM, CRC32, HVHE, IDC, LSE, PAN, SB};
use crate::image::{HYP_ADDRESS, HYP_CACHE_TYPE, HYP_OFFSET};

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

/// A counter of all CPUs. It does not start at 0, or it would be in `.bss`.
static COUNTER: AtomicU64 = AtomicU64::new(COUNT_FROM);

/// [`Count`](crate::abi::Service::Count).
pub struct Count;

impl Service for Count {
    fn run(&self, [n, _]: [u64; 2]) -> u64 {
        let old;
        // SAFETY: both variants are one atomic addition to the counter.
        unsafe {
            alternative!(
                "2: ldxr {old}, [{counter}]",
                "   add  {new}, {old}, {n}",
                "   stxr {failed:w}, {new}, [{counter}]",
                "   cbnz {failed:w}, 2b",
                LSE => ".arch_extension lse", "ldadd {n}, {old}, [{counter}]",
                counter = in(reg) COUNTER.as_ptr(),
                n = in(reg) n,
                old = out(reg) old,
                new = out(reg) _,
                failed = out(reg) _,
                options(nostack, preserves_flags),
            );
        }
        old
    }
}

/// [`Address`](crate::abi::Service::Address).
pub struct Address;
/// [`Offset`](crate::abi::Service::Offset).
pub struct Offset;
/// [`CacheType`](crate::abi::Service::CacheType).
pub struct CacheType;

impl Service for Address {
    fn run(&self, [address, _]: [u64; 2]) -> u64 {
        let hyp;
        // SAFETY: the instructions compute one register.
        unsafe {
            alternative_cb!(
                "and {address}, {address}, #1",
                "ror {address}, {address}, #1",
                "add {address}, {address}, #0",
                "add {address}, {address}, #0, lsl #12",
                "ror {address}, {address}, #63",
                ALWAYS_SYSTEM => HYP_ADDRESS,
                address = inout(reg) address => hyp,
                options(nomem, nostack, preserves_flags),
            );
        }
        hyp
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
