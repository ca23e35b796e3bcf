//! kernel-demo on every CPU model and in every build profile: what its memory
//! holds afterwards, against an expectation that shares no code with the patcher. The finished image must
//! come to the same text.
//!
//! Each test has a name, `words::release::cortex-a76` or, entered at EL2,
//! `words::release::el2::cortex-a76`, so that it can be chosen:
//! `cargo test -p qemu-tests --test patching -- release::max`. Some of those at EL2
//! exist only where results are collected, as `cargo xtask matrix` does: they take their time.

mod applied;
mod caps;
mod compared;
mod computed;
mod corrupt;
mod expect;
mod finished;
mod machines;
mod words;

use libtest_mimic::Trial;
use qemu_tests::results::{self, Entry, Line};
use qemu_tests::trials::{self, Result, kernel, qemu, trial};
use qemu_tests::{Profile, skip};

fn main() {
    trials::run(all());
}

fn all() -> Vec<Trial> {
    let mut trials = vec![
        trial(
            "machines::all_models_are_known",
            machines::all_models_are_known,
        ),
        trial("image::same_file_on_every_cpu", same_file_on_every_cpu),
    ];
    let of_matrix = std::env::var_os(results::FILE).is_some();
    for machine in machines::all() {
        for (profile, entry) in Profile::ALL
            .iter()
            .flat_map(|p| Entry::ALL.map(|e| (*p, e)))
        {
            let (name, machine) = (machine.name(), machine.entered_at(entry));
            let entry_name = match entry {
                Entry::El1 => "",
                Entry::El2 => "el2::",
            };
            if entry == Entry::El2 && !of_matrix && !is_usual_at_el2(profile, &machine) {
                continue;
            }
            trials.push(trial(
                format!("words::{}::{entry_name}{name}", profile.name()),
                move || compared::compare(profile, &machine),
            ));
        }
    }
    for lacking in machines::lacking() {
        trials.push(trial(format!("lacking::{}", lacking.machine), move || {
            skip::because(&format!("{}: {}", lacking.machine, lacking.reason));
            Ok(results::note(&Line::Lacking(lacking))?)
        }));
    }
    for fault in &corrupt::FAULTS {
        let name = format!("corrupt::{}", fault.name);
        trials.push(trial(name, move || corrupt::is_refused(fault)));
    }
    trials
}

/// Optimised on each model; unoptimised on one with few features, and on one with many.
fn is_usual_at_el2(profile: Profile, machine: &machines::TestMachine) -> bool {
    match profile {
        Profile::Release => machine.is_plain(),
        Profile::Dev => ["cortex-a53", "max"].contains(&machine.name().as_str()),
        _ => false,
    }
}

/// The same image, three CPUs, three different texts.
fn same_file_on_every_cpu() -> Result<()> {
    let image = kernel(Profile::Release)?;
    let mut patched = Vec::new();
    for cpu in ["cortex-a53", "cortex-a76", "max"] {
        let run = words::run(&image, machines::TestMachine::new(cpu).machine())?;
        patched.push(run.outcome.patched);
    }
    patched.dedup();
    match patched.len() {
        3 => Ok(()),
        _ => Err(format!("the CPUs do not differ: {patched:?} sites patched").into()),
    }
}
