//! The kernel's data that the hypervisor has mapped too.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

/// What the hypervisor reads.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".hyp_shared.rodata")]
pub static hyp_shared_constant: u64 = 0x6b65_726e_656c_2e72;

/// What the hypervisor writes. Not 0, so that it is data.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".hyp_shared.data")]
static hyp_shared_word: AtomicU64 = AtomicU64::new(1);

unsafe extern "C" {
    static __hyp_shared_rodata_start: u8;
    static __hyp_shared_rodata_end: u8;
    static __hyp_shared_data_start: u8;
    static __hyp_shared_data_end: u8;
}

/// What the hypervisor has written.
pub fn word() -> u64 {
    hyp_shared_word.load(Ordering::Relaxed)
}

/// The pages that it may read.
pub fn rodata() -> Range<usize> {
    &raw const __hyp_shared_rodata_start as usize..&raw const __hyp_shared_rodata_end as usize
}

/// The pages that it may write.
pub fn data() -> Range<usize> {
    &raw const __hyp_shared_data_start as usize..&raw const __hyp_shared_data_end as usize
}
