//! Random numbers, and comparison of secrets in constant time.

use core::arch::asm;

use alt_runtime::{alternative, cpu_has_cap};

use crate::cpucaps::{DIT, RNG};
use crate::platform::timer;

/// A random number, and whether it is from the CPU's generator. Otherwise it is a hash of the
/// counter, which a kernel would only use to seed a generator of its own.
pub fn random() -> (u64, bool) {
    if cpu_has_cap!(unlikely RNG) {
        // The generator may be out of entropy for a moment.
        for _ in 0..16 {
            if let Some(number) = rndr() {
                return (number, true);
            }
        }
    }
    (mix(timer::now()), false)
}

fn rndr() -> Option<u64> {
    let (number, failed): (u64, u64);
    // SAFETY: the CPU has the register: the caller has checked the cpucap.
    unsafe {
        // RNDR; Z is set if it failed (Arm ARM D24.2.154).
        asm!(
            "mrs {number}, S3_3_C2_C4_0",
            "cset {failed}, eq",
            number = out(reg) number,
            failed = out(reg) failed,
            options(nomem, nostack),
        );
    }
    (failed == 0).then_some(number)
}

/// A bijection that spreads each bit of `n` over all bits, so no two counter values collide.
fn mix(mut n: u64) -> u64 {
    for odd in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        n = (n ^ n >> 30).wrapping_mul(odd);
    }
    n ^ n >> 31
}

/// Whether two secrets are equal, which is computed under PSTATE.DIT: the timing of the instructions
/// does not depend on the data. Calls `meanwhile` under it, too, and returns its result.
pub fn compare<R>(left: &[u8], right: &[u8], meanwhile: impl FnOnce() -> R) -> (bool, R) {
    // SAFETY: the bit affects timing only.
    unsafe {
        alternative!(
            "nop",
            DIT => ".arch_extension dit", "msr dit, #1",
            options(nomem, nostack, preserves_flags),
        );
    }
    let difference = left.iter().zip(right).fold(0, |all, (a, b)| all | (a ^ b));
    let during = meanwhile();
    // SAFETY: as above.
    unsafe {
        alternative!(
            "nop",
            DIT => ".arch_extension dit", "msr dit, #0",
            options(nomem, nostack, preserves_flags),
        );
    }
    (left.len() == right.len() && difference == 0, during)
}
