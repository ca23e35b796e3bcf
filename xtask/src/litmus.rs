//! `cargo xtask litmus`: the answers of Arm's memory model about the patching sequence, and a check
//! that the routines execute that sequence.

use crate::{Outcome, setup, style};
use qemu_tests::{
    Image, Profile, guest,
    litmus::{self, Answer, Test},
};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

const HERD: &str = "herd7";

/// The version of the recorded answers. The model of another version may differ, so only answers of
/// this one count.
const RECORDED_FROM: &str = "7.58";

/// Runs each test in herd7, if it is installed, and compares the routines of the demo kernel with
/// the scenarios.
pub(crate) fn run() -> Outcome {
    let tests = litmus::all()?;
    let version = version();
    let mut wrong = 0;
    match &version {
        Some(version) => {
            anstream::println!("herd7 {version}, with aarch64.cat and -variant ifetch\n");
            let folder = test_support::target_dir().join("litmus");
            fs::create_dir_all(&folder)?;
            for (number, test) in (1..).zip(&tests) {
                let observed = observe(test, number, &folder)?;
                let is_right = observed == test.expected;
                wrong += usize::from(!is_right);
                let verdict = match is_right {
                    true => style::good("ok"),
                    false => style::bad("OTHER THAN RECORDED"),
                };
                let observed = format!("observed {observed:9}");
                anstream::println!("{}  {observed}  {verdict}", line(test));
            }
        }
        None => {
            tests
                .iter()
                .for_each(|test| anstream::println!("{}  not observed", line(test)));
            anstream::println!(
                "\n{HERD} is not in PATH: no test was run. The answers were recorded from \
                 herd7 {RECORDED_FROM} with its aarch64.cat and -variant ifetch, one run for each test; \
                 qemu-tests/litmus/README.md says where to get it"
            );
        }
    }

    if let Some(version) = &version
        && wrong != 0
        && !is_recorded(version)
    {
        anstream::println!(
            "\nthe answers were recorded from herd7 {RECORDED_FROM}; this is {version}, whose model \
             may differ: the differences are not counted as failures"
        );
    }

    setup::ensure_target()?;
    let mut same = true;
    for profile in Profile::ALL {
        let image = Image::open(&guest::build("kernel-demo", profile)?)?;
        let verdict = litmus::routines_are_those_of_the_scenarios(&image);
        same &= verdict.is_ok();
        let verdict = match verdict {
            Ok(()) => style::good("the instructions of the litmus tests"),
            Err(why) => style::bad(why),
        };
        anstream::println!("commit and wait_if_requested, {profile}: {verdict}");
    }
    anstream::println!(
        "litmus: {} tests, {}, {}",
        tests.len(),
        match &version {
            Some(_) => format!("{wrong} other than recorded"),
            None => "recorded answers only".into(),
        },
        if same {
            "routines as in them"
        } else {
            "routines NOT as in them"
        },
    );
    let is_recorded = version.is_none_or(|version| is_recorded(&version));
    Ok((wrong == 0 || !is_recorded) && same)
}

fn is_recorded(version: &str) -> bool {
    version.split_whitespace().any(|word| word == RECORDED_FROM)
}

fn line(test: &Test) -> String {
    format!(
        "{:10}  {:36}  {:7}  expected {:9}",
        test.scenario,
        test.change,
        test.caches.name(),
        test.expected
    )
}

fn version() -> Option<String> {
    let output = Command::new(HERD).arg("-version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split(',').next().unwrap_or_default().trim();
    output.status.success().then(|| version.to_owned())
}

fn observe(
    test: &Test,
    number: usize,
    folder: &Path,
) -> Result<Answer, Box<dyn std::error::Error>> {
    let name = format!("{}-{number}", test.scenario);
    let path = folder.join(format!("{name}.litmus"));
    fs::write(&path, test.text(&name))?;
    let mut herd = Command::new(HERD);
    herd.args(["-variant", "ifetch", "-show", "none"])
        .arg(&path);
    let output = herd.stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Answer::observed(&text).ok_or_else(|| {
        let why = String::from_utf8_lossy(&output.stderr);
        format!("herd7 has no answer to {}: {}", path.display(), why.trim()).into()
    })
}
