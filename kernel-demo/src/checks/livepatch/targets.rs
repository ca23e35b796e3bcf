//! Functions that payloads of the tests replace. The result of each identifies the version.
//!
//! Their symbols are not mangled, so that a test finds them; `black_box` keeps callers from knowing
//! the result.

use core::arch::naked_asm;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering};

use alt_runtime::alternative;

use crate::cpucaps::ALWAYS_SYSTEM;
use crate::smp;

/// The version of a pair of functions that one payload replaces together.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn livepatch_first() -> u64 {
    black_box(1)
}

/// The other function of the pair. Its code differs from the first one's: the compiler merges equal
/// functions.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn livepatch_second() -> u64 {
    black_box(3) - 2
}

/// A function that begins with a landing pad, which a payload has to keep.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub extern "C" fn livepatch_padded() -> u64 {
    naked_asm!("bti c", "mov x0, #1", "ret")
}

/// A function whose first instruction is a site.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn livepatch_site() -> u64 {
    let version;
    // SAFETY: both variants load a constant.
    unsafe {
        alternative!(
            "mov {version}, #0",
            ALWAYS_SYSTEM => "mov {version}, #1",
            version = out(reg) version,
            options(nomem, nostack, preserves_flags),
        );
    }
    version
}

/// CPU 1 is to stay in [`livepatch_busy`], and is there.
pub static BUSY: AtomicBool = AtomicBool::new(false);
pub static IS_BUSY: AtomicBool = AtomicBool::new(false);

/// A function from which a CPU enters the rendezvous: it is on the CPU's stack there.
#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn livepatch_busy(cpu: usize) -> u64 {
    while BUSY.load(Ordering::Acquire) && cpu == 1 {
        IS_BUSY.store(true, Ordering::Release);
        smp::attend(cpu);
    }
    if cpu == 1 {
        IS_BUSY.store(false, Ordering::Release);
    }
    black_box(1)
}
