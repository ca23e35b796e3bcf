//! Runs the sites on all CPUs: before, between and after the passes.

use aarch64_rt::entry;

use crate::board::{device_tree, print, system_off};
use crate::{alternatives, smp, work};

entry!(main);

/// The first Rust function, on the boot CPU.
pub fn main(_: u64, _: u64, _: u64, _: u64) -> ! {
    let tree = device_tree();
    let chosen = tree.as_ref().and_then(|tree| tree.chosen());
    let line = chosen
        .as_ref()
        .and_then(|chosen| chosen.bootargs().ok().flatten())
        .unwrap_or_default();
    smp::prepare(line, run);

    work::work(0);
    work::say_what_is_patched("before the passes");
    alternatives::adapt(line);
    work::work(0);
    smp::wait_until_done();
    smp::start_late_cpu();
    smp::wait_until_done();
    work::say_what_is_patched("after the passes");
    smp::say_where_hooks_ran();

    work::check();
    system_off()
}

/// The program of the other CPUs.
fn run(cpu: usize) -> ! {
    aarch64_rt::set_exception_vector();
    match smp::is_absent(cpu) {
        true => alternatives::absent(),
        false => alternatives::secondary(cpu),
    }
    let worked = work::calls(cpu) > 0;
    work::work(cpu);
    print(format_args!(
        "CPU {cpu}: worked between the passes: {worked}"
    ));
    smp::finish()
}
