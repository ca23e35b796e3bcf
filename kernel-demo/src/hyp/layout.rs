//! The addresses of EL2: those of the kernel, which has everything below 512 GiB at its physical
//! address, with a tag above that.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::{checks::entropy, cmdline};

/// Bits of an address that kernel and hypervisor have in common.
pub const BITS: u32 = 39;
/// The most that fits into an address of 48 bits; 0 would be the kernel's own addresses.
const MAX_TAG: u64 = 255;

static TAG: AtomicU64 = AtomicU64::new(0);

/// Chooses the tag: at random, or as the command line has it (`hyp.tag=N`).
pub fn choose_tag() {
    let wanted = cmdline::number("hyp.tag=").filter(|tag| (1..=MAX_TAG).contains(tag));
    let tag = wanted.unwrap_or_else(|| entropy::random().0 % MAX_TAG + 1);
    TAG.store(tag, Ordering::Relaxed);
}

/// The tag, 1 to 255.
pub fn tag() -> u64 {
    TAG.load(Ordering::Relaxed)
}

/// What the hypervisor's addresses are higher by.
pub fn offset() -> u64 {
    tag() << BITS
}

/// The hypervisor's address of what the kernel has at `address`.
pub fn to_hyp(address: u64) -> u64 {
    address & ((1 << BITS) - 1) | offset()
}
