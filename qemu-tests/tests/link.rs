//! kernel-demo links and boots however it is compiled: LTO fat, thin and off, each with 1 and 16
//! codegen units. Entered at EL1 and, with `virtualization=on`, at EL2.
//!
//! Each trial has a name: `link::thin-lto-16::cortex-a76`, `link::thin-lto-16::el2::cortex-a76`.
//! `cargo xtask verify` checks each of these images.

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use qemu_tests::trials::{self, Result, kernel, qemu, trial};
use qemu_tests::{Launch, Machine, Profile, Status};

/// Machines that each build boots on: a part of the trial's name, and the machine's switches.
const MACHINES: [(&str, &str); 2] = [
    ("cortex-a76", "virt,gic-version=3"),
    ("el2::cortex-a76", "virt,gic-version=3,virtualization=on"),
];

fn main() {
    let mut all = vec![Trial::test(
        "profiles_are_all_combinations",
        profiles_are_all_combinations,
    )];
    for profile in Profile::LINKS {
        for (machine, options) in MACHINES {
            let name = format!("link::{profile}::{machine}");
            all.push(trial(name, move || boots(profile, options)));
        }
    }
    trials::run(all);
}

/// Boots, patches itself, and passes its own checks.
fn boots(profile: Profile, options: &str) -> Result<()> {
    let image = kernel(profile)?;
    let machine = Machine::new("cortex-a76").options(options).smp(3);
    let run = Launch::new(&image, machine).run(qemu()?)?;
    let outcome = run.outcome;
    match outcome.status == Status::Ok && outcome.patched > 0 && outcome.patched < outcome.sites {
        true => Ok(()),
        false => Err(format!("{outcome:?}: {:#?}", run.log).into()),
    }
}

/// The profiles in the workspace's `Cargo.toml` are as their names state.
fn profiles_are_all_combinations() -> Result<()> {
    let text = std::fs::read_to_string(test_support::workspace().join("Cargo.toml"))?;
    let manifest: toml::Table = text.parse()?;
    let profiles = &manifest["profile"];
    let setting = |profile: &str, key: &str| {
        let mut profile = profile;
        loop {
            if let Some(value) = profiles[profile].get(key) {
                return value.to_string();
            }
            profile = profiles[profile]["inherits"].as_str().unwrap_or("release");
        }
    };
    let found: BTreeSet<_> = Profile::LINKS
        .iter()
        .map(|p| (setting(p.name(), "lto"), setting(p.name(), "codegen-units")))
        .collect();
    let lto = ["\"fat\"", "\"thin\"", "\"off\""];
    let expected: BTreeSet<_> = lto
        .iter()
        .flat_map(|lto| ["1", "16"].map(|units| (lto.to_string(), units.to_string())))
        .collect();
    match found == expected {
        true => Ok(()),
        false => Err(format!("{found:?}").into()),
    }
}
