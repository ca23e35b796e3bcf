//! Runs the sites and checks their results.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::board::{MAX_CPUS, print};
use crate::sites;

/// Additions of one call of `work`.
const ROUNDS: u64 = 1000;
/// The sum of all additions by the site.
static COUNTER: AtomicU64 = AtomicU64::new(0);
/// Calls of `work` on each CPU, counted without a site.
static CALLS: [AtomicU64; MAX_CPUS] = [const { AtomicU64::new(0) }; MAX_CPUS];

/// Executes each site on CPU number `cpu`, and checks the results.
pub fn work(cpu: usize) {
    CALLS[cpu].fetch_add(1, Ordering::Relaxed);
    for _ in 0..ROUNDS {
        sites::add(&COUNTER, 1);
    }
    // The check value of CRC-32/ISO-HDLC.
    assert_eq!(sites::crc32(b"123456789"), 0xcbf4_3926);
}

/// Number of calls of `work` on CPU number `cpu`.
pub fn calls(cpu: usize) -> u64 {
    CALLS[cpu].load(Ordering::Relaxed)
}

/// Prints the cpucaps for which the sites have been patched.
pub fn say_what_is_patched(when: &str) {
    let (crc32, lse) = sites::patched_for();
    print(format_args!("{when}: CRC32 {crc32}, LSE {lse}"));
}

/// Whether all additions of all CPUs are in the counter.
pub fn check() {
    let counted = COUNTER.load(Ordering::Relaxed);
    let expected = ROUNDS * (0..MAX_CPUS).map(calls).sum::<u64>();
    match counted == expected {
        true => print(format_args!("ok: all counted right")),
        false => print(format_args!("FAILED: counted to {counted}, not {expected}")),
    }
}
