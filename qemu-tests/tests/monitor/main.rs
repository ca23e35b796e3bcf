//! The patcher under the monitor at EL2: clean as it is, on each model and with several CPUs,
//! equal and unequal; and noticed with a step left out.
//!
//! Each test has a name, `clean::cortex-a76::4` for one, so that it can be chosen:
//! `cargo test -p qemu-tests --test monitor -- mutant`.

mod clean;
mod unequal;

use std::sync::OnceLock;

use libtest_mimic::{Arguments, Failed, Trial};
use qemu_tests::{Image, Profile, Qemu, guest, mutants, skip};

type Result<T> = std::result::Result<T, Failed>;

fn main() {
    let mut arguments = Arguments::from_args();
    // A machine per thread would only make them wait for each other.
    arguments.test_threads.get_or_insert(2);
    libtest_mimic::run(&arguments, trials()).exit();
}

fn trials() -> Vec<Trial> {
    let mut trials = vec![trial("clean::quickstart", clean::quickstart)];
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

/// A trial that needs a guest and does not run where there can be none.
fn trial(name: impl Into<String>, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    let name = name.into();
    let shown = name.clone();
    Trial::test(name, move || match skip::without_guests(&shown) {
        true => Ok(()),
        false => test(),
    })
}

/// The QEMU of this machine.
fn qemu() -> Result<&'static Qemu> {
    static QEMU: OnceLock<std::result::Result<Qemu, String>> = OnceLock::new();
    let found = QEMU.get_or_init(|| Qemu::find().map_err(|error| error.to_string()));
    found.as_ref().map_err(|error| Failed::from(error.as_str()))
}

/// kernel-demo, built in `profile`.
fn kernel(profile: Profile) -> Result<Image> {
    Ok(Image::open(&guest::build("kernel-demo", profile)?)?)
}

/// Every observer that is there notices it by itself.
fn is_noticed(mutant: &mutants::Mutant) -> Result<()> {
    let verdict = mutant.judge(&kernel(Profile::Release)?, qemu()?)?;
    if verdict.survives() {
        return Err(format!("not noticed by {:?}", verdict.missed).into());
    }
    Ok(())
}

/// An image whose patcher is another one: no mutant of it, and an error that says so.
fn mutant_is_refused() -> Result<()> {
    let image = kernel(Profile::Release)?;
    let other = Image::open(&guest::build("el2-monitor", Profile::Release)?)?;
    for mutant in mutants::all() {
        match mutant.apply(&other) {
            Err(mutants::Error::NoRoutine { .. }) => {}
            made => return Err(format!("{}: {:?}", mutant.name, made.err()).into()),
        }
    }
    // Without a DC there is none to be left out.
    let find = |name| mutants::all().iter().find(|mutant| mutant.name == name);
    let no_dc = find("no-dc").ok_or("no-dc")?;
    let spoilt = no_dc.spoil(&image)?;
    match no_dc.apply(spoilt.image()) {
        Err(mutants::Error::NoPattern {
            pattern: "dc cvau", ..
        }) => Ok(()),
        other => Err(format!("{:?}", other.err()).into()),
    }
}
