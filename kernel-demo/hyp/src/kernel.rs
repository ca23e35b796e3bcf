//! What the hypervisor may name of the kernel: the allow list is in `hyp.toml`.

use core::sync::atomic::AtomicU64;

use alt_runtime::callback;

callback! {
    /// Makes the hypervisor's address of a kernel address, in five instructions.
    // SAFETY: the kernel defines it so, by this macro.
    pub unsafe extern static HYP_ADDRESS;
    /// Loads the distance between the two, in four instructions.
    // SAFETY: as above.
    pub unsafe extern static HYP_OFFSET;
    /// Loads the final CTR_EL0, in four instructions.
    // SAFETY: as above.
    pub unsafe extern static HYP_CACHE_TYPE;
}

unsafe extern "C" {
    /// Shared for reading.
    pub safe static hyp_shared_constant: u64;
    /// Shared for writing.
    pub safe static hyp_shared_word: AtomicU64;
}
