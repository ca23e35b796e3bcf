//! `cargo xtask test`: runs every check and test, and prints one closing line.

mod docs;
mod steps;
mod summary;

use crate::{Outcome, layers, setup, style, verify};
use qemu_tests::{Profile, guest};
use std::{
    env, fs,
    io::{self, BufRead, BufReader, IsTerminal, Read, Write},
    iter,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
};
use steps::Steps;
use summary::Count;
use test_support::{HYP_TARGET, TARGET, skip, workspace};

/// Packages whose code exists only on [`TARGET`], where clippy must check it.
const GUESTS: [&str; 12] = [
    "kernel-demo",
    "demo-module",
    "el2-monitor",
    "bench-guest",
    "flat-guest",
    "minimal-guest",
    "shadow-guest",
    "two-passes",
    "quickstart",
    "higher-half",
    "relocatable",
    "doc-snippets",
];

/// Reads the counts in one line of a runner's output.
type Reader = fn(&str) -> Count;

/// Runs all checks and tests, also after a failure; each check counts as one test.
pub(crate) fn run(filter: &[String]) -> Outcome {
    let has_nextest = has_nextest();
    let mut steps = Steps::new(11 + usize::from(has_nextest));
    let mut total = Count::default();

    steps.begin("set-up");
    setup::ensure_for_tests()?;
    steps.begin("fmt");
    total += check(cargo().args(["fmt", "--all", "--check"]))?;
    let deny = ["--", "-D", "warnings"];
    steps.begin("clippy of the host's packages");
    let clippy = ["clippy", "--workspace", "--all-targets"];
    total += check(cargo().args(clippy).args(deny))?;
    steps.begin("clippy of the guests");
    // One command each: cargo unifies the features of the packages of one command, and a feature of
    // alt-runtime may require a cpucap that another guest's table does not have.
    for guest in GUESTS {
        let clippy = ["clippy", "--target", TARGET, "--package", guest];
        total += check(cargo().args(clippy).args(deny))?;
    }
    steps.begin("clippy of the hypervisor, in both variants");
    for features in ["image", "vhe"] {
        let clippy = ["clippy", "--package", "demo-hyp", "--features", features];
        let clippy = [&clippy[..], &["--target", HYP_TARGET]].concat();
        total += check(cargo().args(clippy).args(deny))?;
    }
    steps.begin("layers");
    total += Count::one(layers::run()?);
    steps.begin("doc");
    total += docs::run()?;
    // A build inside of a test is silent.
    steps.begin("guests");
    total += Count::one(build_guests());
    steps.begin("verify");
    total += Count::one(verify::run()?);

    // Tests that skip themselves write the reason to this file.
    let reasons = tempfile::NamedTempFile::new()?;
    let test = |arguments: &[&str]| {
        let mut command = cargo();
        command.args(arguments).env(skip::FILE, reasons.path());
        command
    };
    steps.begin("tests");
    if has_nextest {
        let nextest = ["nextest", "run", "--workspace"];
        let nextest = [&nextest[..], &["--no-fail-fast", "--no-tests=pass"]].concat();
        total += suite(Count::nextest, test(&nextest).args(filter))?;
        steps.begin("doc tests");
        let doc = ["test", "--workspace", "--doc", "--no-fail-fast", "--"];
        total += suite(Count::libtest, test(&doc).args(filter))?;
    } else {
        let all = ["test", "--workspace", "--no-fail-fast", "--"];
        total += suite(Count::libtest, test(&all).args(filter))?;
    }

    steps.begin("tests of each kind of table alone");
    for feature in ["raw-tables", "finished-tables"] {
        let alone = ["test", "--package", "alt-runtime", "--no-default-features"];
        let alone = [&alone[..], &["--test", "finished", "--features", feature]].concat();
        total += suite(Count::libtest, &mut test(&alone))?;
    }

    let reasons = fs::read_to_string(reasons.path())?;
    if !reasons.is_empty() {
        anstream::eprintln!("\n{}", style::heading("skipped"));
        anstream::eprint!("{reasons}");
    }
    total.skip(reasons.lines().count());
    anstream::println!("{total}");
    Ok(total.failed == 0)
}

/// Builds the kernels that tests boot.
fn build_guests() -> bool {
    let kernels = Profile::TESTED.map(|profile| ("kernel-demo", profile));
    let others = [
        "quickstart",
        "bench-guest",
        "shadow-guest",
        "two-passes",
        "el2-monitor",
    ];
    let others = others.map(|package| (package, Profile::Release));
    let queue = Mutex::new(kernels.into_iter().chain(others));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let build_all = || iter::from_fn(next).all(build_guest);
    // Cargo can build two profiles at once. Much of a build is one link, which is one thread.
    thread::scope(|scope| {
        let other = scope.spawn(build_all);
        build_all() & other.join().unwrap_or_default()
    })
}

fn build_guest((package, profile): (&str, Profile)) -> bool {
    anstream::eprintln!("building {package}, {profile}");
    match guest::build(package, profile) {
        Ok(_) => true,
        Err(why) => {
            anstream::eprintln!("{}: {why}", style::bad("error"));
            false
        }
    }
}

/// Runs a command that has no tests to count.
fn check(command: &mut Command) -> io::Result<Count> {
    let success = command.status()?.success();
    Ok(Count::one(success))
}

/// Runs tests, showing their output as it comes, and counts them.
fn suite(count: Reader, command: &mut Command) -> io::Result<Count> {
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

fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}
