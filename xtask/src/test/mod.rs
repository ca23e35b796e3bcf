//! `cargo xtask test`: every check and test, one closing line.

mod summary;

use crate::{Outcome, setup, style, verify};
use qemu_tests::{
    guest::{HYP_TARGET, TARGET, workspace},
    skip,
};
use std::{
    env, fs,
    io::{self, BufRead, BufReader, IsTerminal, Read, Write},
    process::{Command, Stdio},
    thread,
};
use summary::Count;

/// What is compiled for [`TARGET`] only: on the host, clippy sees nothing of it.
const GUESTS: [&str; 8] = [
    "kernel-demo",
    "demo-module",
    "el2-monitor",
    "bench-guest",
    "shadow-guest",
    "quickstart",
    "higher-half",
    "relocatable",
];

/// Counts what one line of a runner's output sums up.
type Reader = fn(&str) -> Count;

/// Runs all of it, also when something fails on the way; each check counts as one test.
pub(crate) fn run(filter: &[String]) -> Outcome {
    setup::ensure()?;
    let mut total = Count::default();

    total += check("fmt", cargo().args(["fmt", "--all", "--check"]))?;
    let deny = ["--", "-D", "warnings"];
    let clippy = ["clippy", "--workspace", "--all-targets"];
    total += check("clippy", cargo().args(clippy).args(deny))?;
    let mut clippy = vec!["clippy", "--target", TARGET];
    clippy.extend(GUESTS.iter().flat_map(|guest| ["--package", guest]));
    total += check("clippy of the guests", cargo().args(clippy).args(deny))?;
    for features in ["image", "vhe"] {
        let clippy = ["clippy", "--package", "demo-hyp", "--features", features];
        let clippy = [&clippy[..], &["--target", HYP_TARGET]].concat();
        let name = format!("clippy of the hypervisor ({features})");
        total += check(&name, cargo().args(clippy).args(deny))?;
    }
    let doc = ["doc", "--workspace", "--no-deps"];
    total += check("doc", cargo().args(doc).env("RUSTDOCFLAGS", "-Dwarnings"))?;

    heading("verify");
    total += Count::one(verify::run()?);

    // The tests that skip themselves say so in this file.
    let reasons = tempfile::NamedTempFile::new()?;
    let test = |arguments: &[&str]| {
        let mut command = cargo();
        command.args(arguments).env(skip::FILE, reasons.path());
        command
    };
    if has_nextest() {
        let nextest = [
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--no-tests=pass",
        ];
        total += suite("tests", Count::nextest, test(&nextest).args(filter))?;
        let doc = ["test", "--workspace", "--doc", "--no-fail-fast", "--"];
        total += suite("doc tests", Count::libtest, test(&doc).args(filter))?;
    } else {
        let all = ["test", "--workspace", "--no-fail-fast", "--"];
        total += suite("tests", Count::libtest, test(&all).args(filter))?;
    }

    let reasons = fs::read_to_string(reasons.path())?;
    if !reasons.is_empty() {
        heading("skipped");
        anstream::eprint!("{reasons}");
    }
    total.skip(reasons.lines().count());
    anstream::println!("{total}");
    Ok(total.failed == 0)
}

/// Runs a command that has no tests to count.
fn check(name: &str, command: &mut Command) -> io::Result<Count> {
    heading(name);
    let success = command.status()?.success();
    Ok(Count::one(success))
}

/// Runs tests, showing their output as it comes, and counts them.
fn suite(name: &str, count: Reader, command: &mut Command) -> io::Result<Count> {
    heading(name);
    if io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none() {
        // The pipe would make cargo and the runner drop their colours.
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let count = thread::scope(|scope| {
        let stdout = scope.spawn(|| tee(stdout, io::stdout(), count));
        let stderr = scope.spawn(|| tee(stderr, io::stderr(), count));
        [stdout, stderr]
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .sum::<Count>()
    });
    let success = child.wait()?.success();
    // A suite that did not build has no summary to count.
    Ok(match success || count.failed > 0 {
        true => count,
        false => count + Count::one(false),
    })
}

/// Copies lines from a pipe, adding up the summaries among them.
fn tee(pipe: Option<impl Read>, mut to: impl Write, summary: Reader) -> Count {
    let Some(pipe) = pipe else {
        return Count::default();
    };
    let mut count = Count::default();
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        // A closed output must not stop the reading: the child would block.
        let _ = to.write_all(&line);
        count += summary(&String::from_utf8_lossy(&line));
        line.clear();
    }
    count
}

fn has_nextest() -> bool {
    cargo()
        .args(["nextest", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn heading(name: &str) {
    anstream::eprintln!("\n{}", style::heading(format!("== {name}")));
}

fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}
