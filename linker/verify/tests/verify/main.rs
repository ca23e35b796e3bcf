//! Rules, each against a small image that breaks it and nothing else.
//!
//! A fixture is `tests/verify/RULE.s` or `tests/verify/RULE.VARIANT.s` (or `.rs`, compiled with
//! alt-runtime). `clean` is not a rule: these images break no rule. Before the assembler
//! text stand the site macros and `support/records.inc`. Lines at the head of a fixture:
//!
//! ```text
//! // finding: SYMBOL+0x4: words    where the rule is broken, and words of the explanation
//! // finding: image: words         the same, about the whole image
//! // help: SYMBOL: words            words of the advice there
//! // path: SYMBOL: a, b, c           the path of the finding there, from the one to the other
//! // caps: A B C                   the names of the cpucaps; without, none is known
//! // rules: FILE                   the user's rules, a file beside the fixture
//! // script: FILE                  a linker script beside the fixture, for support/image.ld
//! // link: ARGUMENT                one more argument for the linker
//! // drop: relocations            as if the linker had kept none
//! // drop: symbols                as if the image had been stripped
//! // finish: tables               as `alt finish` makes it
//! // poke: SYMBOL+0x4 = 01 ff      bytes that change after the link
//! ```
//!
//! Each fixture is verified a second time without its rule, which must find nothing: so the rule
//! is what found it.

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use alt_verify::Diagnostic;
use libtest_mimic::{Arguments, Failed, Trial};
use support::fixture::Fixture;
use support::mistakes;
use test_support::{Cross, workspace};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let fixtures: Vec<_> = paths().into_iter().map(Fixture::read).collect();
    let rules: BTreeSet<_> = fixtures.iter().map(|f| f.rule.clone()).collect();
    let mut trials: Vec<_> = fixtures
        .into_iter()
        .map(|fixture| Trial::test(fixture.name.clone(), move || judge(&fixture)))
        .collect();
    trials.push(Trial::test("mistakes_in_a_rules_file", mistaken));
    trials.push(Trial::test("functions_moved_out_of_a_region", moved));
    trials.push(Trial::test("each_rule_has_a_fixture", move || each(&rules)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn paths() -> Vec<PathBuf> {
    let dir = workspace().join("linker/verify/tests/verify");
    let entries = dir.read_dir().expect("the fixtures are there");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let is_source = |path: &PathBuf| {
        path.extension().is_some_and(|e| e == "s" || e == "rs") && !path.ends_with("main.rs")
    };
    let mut paths: Vec<_> = paths.filter(is_source).collect();
    paths.sort();
    paths
}

fn each(fixtures: &BTreeSet<String>) -> Result<(), Failed> {
    // What is wrong with a sealed image is about two images.
    let of_one = || alt_verify::rules().filter(|rule| !rule.id.starts_with("sealed-"));
    let mut rules: BTreeSet<_> = of_one().map(|rule| rule.id.to_owned()).collect();
    let count = of_one().count();
    rules.insert("clean".into());
    if rules.len() != count + 1 {
        return Err("two rules have the same id".into());
    }
    if &rules != fixtures {
        let lonely: Vec<_> = rules.symmetric_difference(fixtures).collect();
        return Err(format!("no rule or no fixture: {lonely:?}").into());
    }
    Ok(())
}

fn cross() -> Option<&'static Cross> {
    static CROSS: OnceLock<Option<Cross>> = OnceLock::new();
    CROSS.get_or_init(|| Cross::new("verify")).as_ref()
}

fn mistaken() -> Result<(), Failed> {
    let Some(cross) = cross() else {
        return Ok(());
    };
    let path = workspace().join("linker/verify/tests/verify/region-caller.s");
    mistakes::judge(&Fixture::read(path).image(cross)?)
}

/// Each function of a clean region in turn, put elsewhere: that is found, with a path that has it.
fn moved() -> Result<(), Failed> {
    let Some(cross) = cross() else {
        return Ok(());
    };
    let path = workspace().join("linker/verify/tests/verify/clean.noinstr.s");
    for name in ["enter", "step", "leave"] {
        let place = |section| format!(".section {section}, \"ax\" // {name}");
        let (from, to) = (place(".noinstr.text"), place(".text.moved"));
        let fixture = Fixture::read(path.clone()).changed(&from, &to)?;
        let (findings, _) = fixture.findings(&fixture.image(cross)?)?;
        let names = |finding: &Diagnostic| finding.path.iter().any(|step| step == name);
        if findings.is_empty() || !findings.iter().all(names) {
            return Err(format!("{name}: {findings:#?}").into());
        }
    }
    Ok(())
}

/// The address of a finding; 0 for the whole image.
fn address(finding: &Diagnostic) -> u64 {
    finding.address().unwrap_or_default()
}

fn judge(fixture: &Fixture) -> Result<(), Failed> {
    let Some(cross) = cross() else {
        return Ok(());
    };
    let image = fixture.image(cross)?;
    let expected = fixture.expected(&image)?;
    if fixture.rule == "clean" && !expected.is_empty() {
        return Err("a clean image has no findings".into());
    }
    if fixture.rule != "clean" && expected.is_empty() {
        return Err("the fixture states no finding".into());
    }
    let (with, without) = fixture.findings(&image)?;
    let found: BTreeSet<_> = with
        .iter()
        .map(|finding| (finding.rule.to_owned(), address(finding)))
        .collect();
    let asked: BTreeSet<_> = expected
        .iter()
        .map(|(at, _)| (fixture.rule.clone(), *at))
        .collect();
    if found != asked || with.len() != expected.len() {
        return Err(format!("expected {asked:x?}, found {with:#?}").into());
    }
    for (at, words) in &expected {
        let said =
            |finding: &&Diagnostic| address(finding) == *at && finding.message.contains(words);
        if with.iter().find(said).is_none() {
            return Err(format!("nothing says {words:?}: {with:#?}").into());
        }
    }
    for (at, words) in fixture.helps(&image)? {
        let is = |finding: &&Diagnostic| address(finding) == at && finding.help.contains(words);
        if with.iter().find(is).is_none() {
            return Err(format!("nothing advises {words:?}: {with:#?}").into());
        }
    }
    for (at, path) in fixture.paths(&image)? {
        let is = |finding: &&Diagnostic| address(finding) == at && finding.path == path;
        if with.iter().find(is).is_none() {
            return Err(format!("nothing has the path {path:?}: {with:#?}").into());
        }
    }
    match without.is_empty() {
        true => Ok(()),
        false => Err(format!("found without the rule, too: {without:#?}").into()),
    }
}
