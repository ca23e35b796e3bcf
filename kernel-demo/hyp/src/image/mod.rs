//! The code that runs at EL2, and the kernel's symbols that it uses.

mod entry;
mod init;
mod services;

use core::sync::atomic::AtomicU64;

use alt_runtime::callback;

/// The cpucaps of the kernel.
mod cpucaps {
    alt_runtime::cpucaps!("../../cpucaps.toml");
}

// The allow list is in `hyp.toml`. A symbol that is not on it fails the build.
callback! {
    /// Five instructions that convert a kernel address to the hypervisor's.
    // SAFETY: the kernel defines it by this macro.
    unsafe extern static HYP_ADDRESS;
    /// Four instructions that load the distance between the two.
    // SAFETY: as above.
    unsafe extern static HYP_OFFSET;
    /// Four instructions that load the final CTR_EL0.
    // SAFETY: as above.
    unsafe extern static HYP_CACHE_TYPE;
}

unsafe extern "C" {
    /// Shared for reading.
    safe static hyp_shared_constant: u64;
    /// Shared for writing.
    safe static hyp_shared_word: AtomicU64;
}
