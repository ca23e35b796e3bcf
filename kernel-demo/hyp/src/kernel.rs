//! What the hypervisor may name of the kernel: the allow list is in `hyp.toml`.

use core::sync::atomic::AtomicU64;

use alt_runtime::Callback;

#[expect(improper_ctypes, reason = "only the address of a callback is used")]
unsafe extern "C" {
    /// Makes the hypervisor's address of a kernel address, in five instructions.
    pub safe static HYP_ADDRESS: Callback;
    /// Loads the distance between the two, in four instructions.
    pub safe static HYP_OFFSET: Callback;
    /// Loads the final CTR_EL0, in four instructions.
    pub safe static HYP_CACHE_TYPE: Callback;

    /// Shared for reading.
    pub safe static hyp_shared_constant: u64;
    /// Shared for writing.
    pub safe static hyp_shared_word: AtomicU64;
}
