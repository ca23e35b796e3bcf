//! kernel-demo links and boots however it is compiled: LTO fat, thin and off, each with 1 and 16
//! codegen units. Entered at EL1 and, with `virtualization=on`, at EL2.
//!
//! Each trial has a name: `link::thin-lto-16::cortex-a76`, `link::thin-lto-16::el2::cortex-a76`.
//! `cargo xtask verify` checks each of these images.

use qemu_tests::trials::{self, Result, kernel, qemu, trial};
use qemu_tests::{Image, Launch, Machine, Profile, Status, guest};

/// Machines that each build boots on: a part of the trial's name, and the machine's switches.
const MACHINES: [(&str, &str); 2] = [
    ("cortex-a76", "virt,gic-version=3"),
    ("el2::cortex-a76", "virt,gic-version=3,virtualization=on"),
];

fn main() {
    let mut all = Vec::new();
    for profile in Profile::LINKS {
        for (machine, options) in MACHINES {
            let name = format!("link::{profile}::{machine}");
            all.push(trial(name, move || boots(profile, options)));
        }
    }
    trials::run(all);
}

/// Boots, patches itself, and passes its own checks, raw and, where its tables can be, finished.
fn boots(profile: Profile, options: &str) -> Result<()> {
    let mut images = vec![kernel(profile)?];
    if let Some(finished) = guest::finished("kernel-demo", profile)? {
        images.push(Image::open(&finished)?);
    }
    let mut raw = None;
    for image in images {
        let machine = Machine::new("cortex-a76").options(options).smp(3);
        let run = Launch::new(&image, machine).run(qemu()?)?;
        let outcome = run.outcome;
        let is_patched = outcome.patched > 0 && outcome.patched < outcome.sites;
        if outcome.status != Status::Ok || !is_patched || outcome != *raw.get_or_insert(outcome) {
            return Err(format!("{outcome:?}: {:#?}", run.log).into());
        }
    }
    Ok(())
}
