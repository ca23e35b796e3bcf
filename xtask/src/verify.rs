//! `cargo xtask verify`: runs the branch-range lint on the inputs of the demo kernel's link, and
//! `alt verify` on every guest of the workspace.

use crate::{Outcome, Profile, mutate, programs, setup, style};
use qemu_tests::{Error, guest};
use std::{
    env, io,
    path::{Path, PathBuf},
    process::Command,
};
use test_support::workspace;

/// The packages that have sites, and the profiles in which they are built. The monitor at EL2 has
/// no sites.
const GUESTS: [(&str, &[Profile]); 6] = [
    ("kernel-demo", &Profile::ALL),
    ("quickstart", &Profile::ALL),
    ("higher-half", &Profile::ALL),
    ("relocatable", &Profile::ALL),
    ("bench-guest", &[Profile::Release]),
    ("two-passes", &[Profile::Release]),
];

/// The address of an ADRP at the end of a page depends on chance. It matters only if the erratum's
/// other instructions follow, for which there is a rule of its own.
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

/// Findings of the branch-range lint that are allowed: aarch64-rt's entry takes the address of the
/// kernel's vectors by ADR. The kernel is far smaller than a megabyte; if it grows, the linker
/// reports an error.
const ALLOWED_REACH: &str = "other-section:vector_table_el1";

/// Links the demo kernel in every profile with the lint; builds each guest in each profile and
/// checks it.
pub(crate) fn run() -> Outcome {
    setup::ensure_target()?;
    say("building `alt`");
    let alt = build_alt()?;
    let mut clean = check_reach(&alt)?;
    for (package, profiles) in GUESTS {
        for profile in profiles {
            say(&format!("{package}, {profile}"));
            let image = guest::build(package, *profile)?;
            let allowed = [&ALLOWED[..], also_allowed(package)].concat();
            let mut verify = Command::new(&alt);
            clean &= run_on(verify.arg("verify"), package, &image, &allowed)?;
        }
    }
    let image = guest::build("kernel-demo", Profile::Release)?;
    say("kernel-demo, changed at random");
    let mut mutate = Command::new(mutate::build()?);
    clean &= run_on(&mut mutate, "kernel-demo", &image, &[])?;
    Ok(clean)
}

/// Prints the next action before it begins.
fn say(what: &str) {
    anstream::println!("{}", style::heading(what));
}

/// Links the demo kernel by `alt-ld`, in every way there is.
fn check_reach(alt: &Path) -> Result<bool, Error> {
    let alt_ld = alt.with_file_name(format!("alt-ld{}", env::consts::EXE_SUFFIX));
    let mut clean = true;
    for profile in [Profile::Dev, Profile::Release]
        .iter()
        .chain(&Profile::LINKS)
    {
        say(&format!("kernel-demo, {profile}, before the link"));
        let allow = [("ALT_REACH_ALLOW", ALLOWED_REACH)];
        match guest::link("kernel-demo", *profile, &alt_ld, &allow) {
            // Cargo has shown the findings.
            Err(Error::Build { .. }) => clean = false,
            other => other?,
        }
    }
    Ok(clean)
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

/// Builds the programs `alt` and, beside it, `alt-ld`; returns the path of `alt`.
pub(crate) fn build_alt() -> io::Result<PathBuf> {
    programs::build("alt-tool", &["alt-ld", "alt"])
}
