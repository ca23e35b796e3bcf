//! The patcher under the monitor at EL2: no violation on each model and with several CPUs,
//! equal and unequal; and noticed with a step left out.
//!
//! Each test has a name such as `clean::cortex-a76::4`, so that it can be selected: `cargo test -p
//! qemu-tests --test monitor -- mutant`.

mod clean;
mod unequal;

use libtest_mimic::Trial;
use qemu_tests::trials::{self, Result, kernel, qemu, trial};
use qemu_tests::{Image, MutantError, Profile, guest, mutants};

fn main() {
    trials::run(all());
}

fn all() -> Vec<Trial> {
    let mut trials = vec![
        trial("clean::quickstart", clean::quickstart),
        trial("clean::shadow-guest", clean::shadow),
        trial("clean::bench-guest_but_for_static-keys", clean::bench),
    ];
    for cpu in clean::MODELS {
        for count in [1, 2, 4] {
            trials.push(trial(format!("clean::{cpu}::{count}"), move || {
                clean::kernel(cpu, count)
            }));
        }
    }
    for profile in [Profile::Dev, Profile::FatLto, Profile::Size] {
        trials.push(trial(format!("clean::{}", profile.name()), move || {
            clean::profile(profile)
        }));
    }
    for mutant in mutants::all() {
        let name = format!("mutant::{}", mutant.name);
        trials.push(trial(name, move || is_noticed(mutant)));
    }
    trials.push(trial("mutant::gone", mutant_is_refused));
    for (name, test) in unequal::ALL {
        trials.push(trial(format!("unequal::{name}"), test));
    }
    trials
}

/// Every available observer notices it by itself.
fn is_noticed(mutant: &mutants::Mutant) -> Result<()> {
    let verdict = mutant.judge(&kernel(Profile::Release)?, qemu()?)?;
    if verdict.survives() {
        return Err(format!("not noticed by {:?}", verdict.missed).into());
    }
    Ok(())
}

/// An image with a different patcher: no mutant, but an error that names the instruction.
fn mutant_is_refused() -> Result<()> {
    let image = kernel(Profile::Release)?;
    let other = Image::open(&guest::build("el2-monitor", Profile::Release)?)?;
    for mutant in mutants::all() {
        match mutant.apply(&other) {
            Err(MutantError::NoRoutine { .. }) => {}
            made => return Err(format!("{}: {:?}", mutant.name, made.err()).into()),
        }
    }
    // Without a DC there is none to be left out.
    let find = |name| mutants::all().iter().find(|mutant| mutant.name == name);
    let no_dc = find("no-dc").ok_or("no-dc")?;
    let spoilt = no_dc.spoil(&image)?;
    match no_dc.apply(spoilt.image()) {
        Err(MutantError::NoPattern {
            pattern: "dc cvau", ..
        }) => Ok(()),
        other => Err(format!("{:?}", other.err()).into()),
    }
}
