//! `cargo xtask examples`: boots the kernels of `examples/` and shows the integration that each
//! needs.

use crate::{Outcome, Profile, setup, style};
use anstream::{eprintln, println};
use qemu_tests::{
    Machine, Qemu,
    examples::{self, Example},
};
use std::error::Error;

/// Number of CPUs of examples that start more than one.
const SMP: u32 = 4;

/// Boots each example on a CPU model; the last line has the number of those that succeed.
pub(crate) fn run(cpu: &str) -> Outcome {
    let qemu = setup::ensure(setup::Age::Any)?;
    println!(
        "{}",
        style::heading("example       lines of integration  sites  patched  CPUs")
    );
    let mut failed = Vec::new();
    for example in &examples::ALL {
        match boot(example, &qemu, cpu) {
            Ok(line) => println!("{line}"),
            Err(error) => {
                eprintln!("{}: {error}", style::bad("error"));
                failed.push(example.package);
            }
        }
    }
    let all = examples::ALL.len();
    if failed.is_empty() {
        println!("examples: ok {all} of {all} cpu={cpu}");
    } else {
        println!("examples: failed {} cpu={cpu}", failed.join(", "));
    }
    Ok(failed.is_empty())
}

fn boot(example: &Example, qemu: &Qemu, cpu: &str) -> Result<String, Box<dyn Error>> {
    let cpus = if example.smp { SMP } else { 1 };
    let machine = Machine::new(cpu).smp(cpus);
    let boot = example.boot(qemu, &machine, Profile::Release)?;
    Ok(format!(
        "{:<12} {:>21} {:>6} {:>8} {cpus:>5}",
        example.package,
        example.integration()?.len(),
        boot.sites,
        boot.patched,
    ))
}
