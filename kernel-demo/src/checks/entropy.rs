//! Random numbers: from the CPU, or the best that can be made of the counter.

use core::arch::asm;

use alt_runtime::cpu_has_cap;
use linkme::distributed_slice;

use super::{CHECKS, Check, Context, Mismatch, equal, timer};
use crate::cpucaps::RNG;

/// A random number, and whether it comes from the CPU's generator.
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
    // SAFETY: the CPU has the register: only the cpucap's branch comes here.
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

/// A bijection that spreads each bit of `n` over all: no two counter values
/// collide.
fn mix(mut n: u64) -> u64 {
    for odd in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        n = (n ^ n >> 30).wrapping_mul(odd);
    }
    n ^ n >> 31
}

#[distributed_slice(CHECKS)]
static CHECK: Check = Check {
    name: "entropy",
    run,
};

fn run(context: &Context<'_>) -> Result<(), Mismatch> {
    let ((first, from_cpu), begin) = (random(), timer::now());
    // The fallback is as good as the counter is fast.
    while timer::now() == begin {}
    let (second, _) = random();
    equal(
        "from the CPU's generator",
        from_cpu.into(),
        context.has(RNG).into(),
    )?;
    equal("two numbers are equal", (first == second).into(), 0)
}
