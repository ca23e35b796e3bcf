//! `cargo xtask verify`: runs `alt verify` on every guest of the workspace. The demo kernel is linked
//! by `alt-ld`, which runs the branch-range lint on the inputs of that link.

use crate::{Outcome, Profile, mutate, programs, setup, style};
use qemu_tests::guest;
use std::{io, path::Path, process::Command};
use test_support::workspace;

/// The packages that have sites, and the profiles in which they are built. The monitor at EL2 has
/// no sites.
const GUESTS: [(&str, &[Profile]); 6] = [
    ("kernel-demo", &Profile::TESTED),
    ("quickstart", &Profile::ALL),
    ("higher-half", &Profile::ALL),
    ("relocatable", &Profile::ALL),
    ("bench-guest", &[Profile::Release]),
    ("two-passes", &[Profile::Release]),
];

/// The address of an ADRP at the end of a page depends on chance. It matters only if the erratum's
/// other instructions follow, which a separate rule checks.
const ALLOWED: [&str; 2] = ["--allow", "adrp-at-page-end"];

/// Further rules that a guest may break. aarch64-rt maps memory by the gigabyte, not by the bounds
/// that its linker script defines. The benchmark has a second table of cpucaps, of 73, to measure
/// detection by it.
fn also_allowed(package: &str) -> &'static [&'static str] {
    match package {
        "bench-guest" => &[
            "--allow",
            "tables-outside-bounds",
            "--allow",
            "cpucaps-differ",
        ],
        _ => &[],
    }
}

/// Random changes of the demo kernel, raw and finished. `cargo xtask mutate` makes 10,000, and is built
/// with optimisation for that.
const CHANGES: &str = "300";

/// Builds each guest in each profile and checks it.
pub(crate) fn run() -> Outcome {
    setup::ensure_target()?;
    say("building `alt`");
    let alt = programs::as_tested("alt")?;
    let mut clean = true;
    for (package, profiles) in GUESTS {
        for profile in profiles {
            say(&format!("{package}, {profile}"));
            let image = guest::build(package, *profile)?;
            let allowed = [&ALLOWED[..], also_allowed(package)].concat();
            let mut verify = Command::new(&alt);
            clean &= run_on(verify.arg("verify"), package, &image, &allowed)?;
        }
    }
    say("kernel-demo, finished");
    let Some(finished) = guest::finished("kernel-demo", Profile::Release)? else {
        anstream::eprintln!("the tables of kernel-demo stay raw");
        return Ok(false);
    };
    let mut verify = Command::new(&alt);
    clean &= run_on(verify.arg("verify"), "kernel-demo", &finished, &ALLOWED)?;
    let program = programs::as_tested(mutate::PROGRAM)?;
    for image in [guest::build("kernel-demo", Profile::Release)?, finished] {
        say("kernel-demo, changed at random");
        let mut mutate = Command::new(&program);
        clean &= run_on(&mut mutate, "kernel-demo", &image, &["--count", CHANGES])?;
    }
    Ok(clean)
}

/// Prints the next action before it begins.
fn say(what: &str) {
    anstream::println!("{}", style::heading(what));
}

/// Runs a program on an image, by the rules file of the package if it has one.
fn run_on(command: &mut Command, package: &str, image: &Path, more: &[&str]) -> io::Result<bool> {
    command.arg(image).args(more);
    let rules = workspace().join(package).join("alt-rules.toml");
    if rules.exists() {
        command.arg("--rules").arg(rules);
    }
    Ok(command.status()?.success())
}
