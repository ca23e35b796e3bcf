//! Memory of EL2: its addresses, the stacks of the CPUs, and the data that both levels share.
//!
//! An address of EL2 is that of the kernel, which has everything below 512 GiB at its physical
//! address, with a tag in the bits above.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::features::crypto;
use crate::platform::board::{MAX_CPUS, PAGE};
use crate::platform::device_tree;

/// Number of address bits below the tag, which kernel and hypervisor have in common.
pub const BITS: u32 = 39;
/// Largest tag of an address of 48 bits; tag 0 would give the kernel's own addresses.
const MAX_TAG: u64 = 255;

static TAG: AtomicU64 = AtomicU64::new(0);

/// Chooses the tag: at random, or as the command line says (`hyp.tag=N`).
pub fn choose_tag() {
    let given = device_tree::number("hyp.tag=").filter(|tag| (1..=MAX_TAG).contains(tag));
    let tag = given.unwrap_or_else(|| crypto::random().0 % MAX_TAG + 1);
    TAG.store(tag, Ordering::Relaxed);
}

/// The tag, 1 to 255.
pub fn tag() -> u64 {
    TAG.load(Ordering::Relaxed)
}

/// Distance from the kernel's addresses to the hypervisor's.
pub fn offset() -> u64 {
    tag() << BITS
}

/// Converts a kernel address to the hypervisor's address of the same memory.
pub fn to_hyp(address: u64) -> u64 {
    address & ((1 << BITS) - 1) | offset()
}

/// Size of a stack at EL2 in bytes.
const STACK: usize = 4 * PAGE;

/// A stack, and below it a page that EL2 does not map.
#[repr(C, align(4096))]
struct Stack {
    guard: [u8; PAGE],
    stack: [u8; STACK],
}

static mut STACKS: [Stack; MAX_CPUS] = [const {
    Stack {
        guard: [0; PAGE],
        stack: [0; STACK],
    }
}; MAX_CPUS];

/// The stacks of all CPUs, by number.
pub fn stacks() -> impl Iterator<Item = Range<usize>> {
    let first = &raw const STACKS as usize;
    (0..MAX_CPUS).map(move |cpu| {
        let start = first + cpu * size_of::<Stack>() + PAGE;
        start..start + STACK
    })
}

/// Data that the hypervisor reads.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".hyp_shared.rodata")]
pub static hyp_shared_constant: u64 = 0x6b65_726e_656c_2e72;

/// Data that the hypervisor writes. Its value is not 0, or it would be in `.bss`.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".hyp_shared.data")]
static hyp_shared_word: AtomicU64 = AtomicU64::new(1);

unsafe extern "C" {
    static __hyp_shared_rodata_start: u8;
    static __hyp_shared_rodata_end: u8;
    static __hyp_shared_data_start: u8;
    static __hyp_shared_data_end: u8;
}

/// The word that the hypervisor has written last.
pub fn shared_word() -> u64 {
    hyp_shared_word.load(Ordering::Relaxed)
}

/// The pages that both levels may read.
pub fn shared_rodata() -> Range<usize> {
    &raw const __hyp_shared_rodata_start as usize..&raw const __hyp_shared_rodata_end as usize
}

/// The pages that both levels may write.
pub fn shared_data() -> Range<usize> {
    &raw const __hyp_shared_data_start as usize..&raw const __hyp_shared_data_end as usize
}
