//! `cargo xtask mutants`: patchers with a step left out or wrong, and the observers that notice; the pass
//! over finished tables with a check left out, and the host tests that fail.

mod finished;
mod source;

use crate::{Outcome, setup, style};
use anstream::println;
use qemu_tests::coherence::Plugin;
use qemu_tests::mutants::{self, Observer};
use qemu_tests::{Image, Profile, guest};

/// Judges the unchanged patcher, then each mutant; `verbose` shows the first violation.
pub(crate) fn run(verbose: bool) -> Outcome {
    let qemu = setup::ensure(setup::Age::New)?;
    let image = Image::open(&guest::build("kernel-demo", Profile::Release)?)?;

    let plugin = Plugin::find(&qemu);
    let said = mutants::real(&image, &qemu)?;
    let is_clean = said.is_empty();
    line(
        "(none)",
        "the unchanged patcher",
        &match is_clean {
            true if plugin.is_ok() => style::good("clean: monitor, plugin, sequence"),
            true => style::good("clean: monitor, sequence"),
            false => style::bad("NOT clean"),
        },
    );
    for (observer, what) in &said {
        println!("    {observer}: {what}");
    }

    let (mut survivors, mut not_asked) = (0, 0);
    for mutant in mutants::all() {
        let verdict = mutant.judge(&image, &qemu)?;
        let names = |observers: &mut dyn Iterator<Item = &Observer>| {
            let names: Vec<_> = observers.map(ToString::to_string).collect();
            names.join(", ")
        };
        let by = names(&mut verdict.noticed.iter().map(|(observer, _)| observer));
        let result = match verdict.survives() {
            false => style::good(format!("caught: {by}")),
            true => style::bad(format!(
                "SURVIVES: not noticed by {}",
                names(&mut verdict.missed.iter())
            )),
        };
        survivors += usize::from(verdict.survives());
        not_asked += usize::from(!verdict.absent.is_empty());
        line(mutant.name, mutant.what, &result);
        if verbose {
            for (observer, what) in &verdict.noticed {
                println!("    {observer}: {what}");
            }
        }
    }
    let (mut checks, mut is_sound) = (0, false);
    for (mutant, failed) in source::run(&finished::MUTANTS)? {
        let Some(mutant) = mutant else {
            is_sound = failed.is_empty();
            let result = match is_sound {
                true => style::good("clean: host tests"),
                false => style::bad(format!("NOT clean: {}", failed.join(", "))),
            };
            line("(none)", "the unchanged pass over finished tables", &result);
            continue;
        };
        checks += 1;
        survivors += usize::from(failed.is_empty());
        let result = match &failed[..] {
            [] => style::bad("SURVIVES: no host test fails"),
            [only] => style::good(format!("caught: {only}")),
            [first, more @ ..] => style::good(format!("caught: {first} and {} more", more.len())),
        };
        line(mutant.name, mutant.what, &result);
    }
    let is_clean = is_clean && is_sound;
    let all = mutants::all().len() + checks;
    if let Err(why) = plugin {
        let note = format!("the plugin could not be asked about {not_asked} of them: {why}");
        println!("\n{}", style::faint(note));
    }
    println!(
        "\nmutants: {} caught={} survive={survivors} real={} without-plugin={not_asked}",
        all,
        all - survivors,
        if is_clean { "clean" } else { "NOT-clean" },
    );
    Ok(is_clean && survivors == 0)
}

fn line(name: &str, what: &str, result: &str) {
    println!("{name:16}  {what:58}  {result}");
}
