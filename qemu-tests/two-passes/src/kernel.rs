//! Runs the sites on all CPUs, before, between and after the passes, and checks their results.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::board::{device_tree, print, system_off};
use crate::{alternatives, sites, smp};

/// Additions of one call of `work`.
const ROUNDS: u64 = 1000;
/// The sum of all additions by the site.
static COUNTER: AtomicU64 = AtomicU64::new(0);
/// Calls of `work` on each CPU, counted without a site.
static CALLS: [AtomicU64; smp::MAX_CPUS] = [const { AtomicU64::new(0) }; smp::MAX_CPUS];

/// The first Rust function, on the boot CPU.
pub fn main(_: u64, _: u64, _: u64, _: u64) -> ! {
    let tree = device_tree();
    let chosen = tree.as_ref().and_then(|tree| tree.chosen());
    let line = chosen
        .as_ref()
        .and_then(|chosen| chosen.bootargs().ok().flatten())
        .unwrap_or_default();
    smp::obey(line);

    work(0);
    say_what_is_patched("before the passes");
    alternatives::adapt(line);
    work(0);
    smp::wait_until_done();
    smp::start_late_cpu();
    smp::wait_until_done();
    say_what_is_patched("after the passes");
    smp::say_where_hooks_ran();

    let counted = COUNTER.load(Ordering::Relaxed);
    let expected = ROUNDS * (0..smp::MAX_CPUS).map(calls).sum::<u64>();
    match counted == expected {
        true => print(format_args!("ok: all counted right")),
        false => print(format_args!("FAILED: counted to {counted}, not {expected}")),
    }
    system_off()
}

/// Executes each site on CPU number `cpu`, and checks the results.
pub fn work(cpu: usize) {
    CALLS[cpu].fetch_add(1, Ordering::Relaxed);
    for _ in 0..ROUNDS {
        sites::add(&COUNTER, 1);
    }
    // The check value of CRC-32/ISO-HDLC.
    assert_eq!(sites::crc32(b"123456789"), 0xcbf4_3926);
}

/// How often CPU number `cpu` has come to `work`.
pub fn calls(cpu: usize) -> u64 {
    CALLS[cpu].load(Ordering::Relaxed)
}

/// Prints what the text has been patched for, as the sites themselves say.
pub fn say_what_is_patched(when: &str) {
    let (crc32, lse) = sites::patched_for();
    print(format_args!("{when}: CRC32 {crc32}, LSE {lse}"));
}
