//! `cargo xtask fuzz`: libFuzzer over the file formats that `alt` reads, on the stable toolchain.
//!
//! cargo-fuzz requires a nightly toolchain for its sanitizers, which find little in safe code. A
//! fuzzer is guided by LLVM's coverage pass, which stable rustc runs by `-Cpasses`.

use crate::{Outcome, style};
use clap::Args;
use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use test_support::workspace;

/// LLVM's SanitizerCoverage, as libFuzzer requires it: counts every edge, traces comparisons.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Largest input in bytes: small files are sufficient to show errors.
const LONGEST: usize = 8192;

/// Time limit for one input in seconds.
const PATIENCE: u32 = 10;

#[derive(Args)]
pub(crate) struct FuzzArguments {
    /// Time for which each target searches, in seconds, starting from the inputs that earlier runs
    /// have found.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..),
          conflicts_with_all = ["runs", "seed"])]
    seconds: u32,
    /// Number of inputs that each target tries instead, from the seeds alone: the same inputs each
    /// time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// Seed of the random numbers; another seed tries other inputs.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "runs",
          value_parser = clap::value_parser!(u32).range(1..))]
    seed: u32,
    /// One target, a file of linker/fuzz/fuzz_targets; by default, all.
    target: Option<String>,
}

impl FuzzArguments {
    fn limit(&self) -> Limit {
        match self.runs {
            Some(runs) => Limit::Runs {
                runs,
                seed: self.seed,
            },
            None => Limit::Seconds(self.seconds),
        }
    }
}

/// How long a target runs.
#[derive(Clone, Copy)]
enum Limit {
    /// For this number of seconds, from the seeds and from the inputs that earlier runs have found.
    Seconds(u32),
    /// Over this number of inputs, from the seeds alone: the commit determines the inputs.
    Runs { runs: u32, seed: u32 },
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "{seconds} s"),
            Self::Runs { runs, seed } => write!(f, "{runs} inputs, seed {seed}"),
        }
    }
}

/// Fuzzes each target, or the one that is named.
pub(crate) fn run(arguments: &FuzzArguments) -> Outcome {
    let limit = arguments.limit();
    let targets = chosen(arguments.target.as_deref())?;
    let compiler = compiler()?;
    let folder = test_support::target_dir().join("fuzz");
    let host = host()?;
    build(&folder, &host, &compiler, &targets)?;
    let programs = folder.join(&host).join("release");
    let mut clean = true;
    for target in &targets {
        let program = programs.join(format!("{target}{}", env::consts::EXE_SUFFIX));
        clean &= fuzz(target, &program, &folder, limit)?;
    }
    Ok(clean)
}

fn package() -> PathBuf {
    workspace().join("linker/fuzz")
}

/// The targets: a file each.
fn chosen(only: Option<&str>) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(package().join("fuzz_targets"))? {
        let path = entry?.path();
        targets.extend(path.file_stem().map(|s| s.to_string_lossy().into_owned()));
    }
    targets.sort();
    match only {
        None => Ok(targets),
        Some(name) if targets.iter().any(|target| target == name) => Ok(vec![name.to_owned()]),
        Some(name) => {
            Err(format!("there is no fuzz target {name}, but {}", targets.join(", ")).into())
        }
    }
}

/// The C++ compiler that builds libFuzzer.
fn compiler() -> Result<String, String> {
    let chosen = env::var("CXX").ok().filter(|name| !name.is_empty());
    let name = chosen.unwrap_or_else(|| "c++".into());
    let mut command = Command::new(&name);
    command.arg("--version");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(name),
        _ => Err(format!(
            "libFuzzer is C++, and the compiler `{name}` does not run. Install one:\n  \
             Debian, Ubuntu   sudo apt-get install g++\n  \
             Fedora           sudo dnf install gcc-c++\n  \
             Arch             sudo pacman -S gcc\n  \
             macOS            xcode-select --install\n\
             or set CXX to the path of one"
        )),
    }
}

/// The host target of rustc.
fn host() -> io::Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .current_dir(workspace())
        .arg("-vV")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(String::from)
        .ok_or_else(|| io::Error::other("`rustc -vV` does not print its host"))
}

/// With a target named, the flags are not for build scripts and proc macros.
fn build(folder: &Path, host: &str, compiler: &str, targets: &[String]) -> io::Result<()> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(package())
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--target",
            host,
        ])
        .arg("--target-dir")
        .arg(folder)
        .env("RUSTFLAGS", COVERAGE.join(" "))
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CXX", compiler);
    for target in targets {
        command.args(["--bin", target]);
    }
    match command.status()?.success() {
        true => Ok(()),
        false => Err(io::Error::other("the fuzz targets do not build; see above")),
    }
}

/// Runs one target.
fn fuzz(target: &str, program: &Path, folder: &Path, limit: Limit) -> io::Result<bool> {
    let crashes = folder.join("crashes").join(target);
    fs::create_dir_all(&crashes)?;
    let seeds = package().join("corpus").join(target);
    let known = inputs(&crashes)?;
    anstream::println!("{}", style::heading(format!("{target}: {limit}")));
    let mut command = Command::new(program);
    command_line(&mut command, limit, folder, target)?;
    command
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-timeout={PATIENCE}"))
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .arg("-print_final_stats=1")
        .stderr(Stdio::piped());
    let child = command.spawn()?;
    let output = child.wait_with_output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        anstream::println!("  {}", summary(&log));
        return Ok(true);
    }
    anstream::eprintln!("{}", log.trim_end());
    let new = inputs(&crashes)?;
    let mut new = new.iter().filter(|path| !known.contains(path));
    let input = new.next_back().or(known.last());
    let input = input.map_or_else(|| "INPUT".into(), |path| path.display().to_string());
    anstream::eprintln!(
        "{}: {target} fails on {input}\n\
         again:  {} {input}\n\
         keep it, so that `cargo nextest run -p alt-tool --test fuzz` tries it always:\n        \
         cp {input} {}",
        style::bad("error"),
        program.display(),
        seeds.display(),
    );
    Ok(false)
}

fn command_line(
    command: &mut Command,
    limit: Limit,
    folder: &Path,
    target: &str,
) -> io::Result<()> {
    let seeds = package().join("corpus").join(target);
    match limit {
        Limit::Seconds(seconds) => {
            let found = folder.join("corpus").join(target);
            search(command, &found, seconds, &seeds)
        }
        Limit::Runs { runs, seed } => {
            let found = folder.join("repeated").join(target);
            repeat(command, &found, (runs, seed), &seeds)
        }
    }
}

/// New inputs are kept in `found`, for the next run.
fn search(command: &mut Command, found: &Path, seconds: u32, seeds: &Path) -> io::Result<()> {
    fs::create_dir_all(found)?;
    command
        .args([found, seeds])
        .arg(format!("-max_total_time={seconds}"));
    Ok(())
}

/// The result depends only on the program, the seeds and the random numbers.
fn repeat(
    command: &mut Command,
    found: &Path,
    (runs, seed): (u32, u32),
    seeds: &Path,
) -> io::Result<()> {
    if found.exists() {
        fs::remove_dir_all(found)?;
    }
    fs::create_dir_all(found)?;
    // By name: file systems list them in any order.
    let mut seeds: Vec<_> = inputs(seeds)?
        .iter()
        .map(|seed| seed.display().to_string())
        .collect();
    seeds.sort();
    command
        .arg(found)
        .arg(format!("-seed_inputs={}", seeds.join(",")))
        .arg(format!("-runs={runs}"))
        .arg(format!("-seed={seed}"))
        // Compared values may be addresses, which differ in each run.
        .arg("-use_cmp=0")
        // Not once a second.
        .arg("-reload=0");
    Ok(())
}

/// The files of a folder, the newest last.
fn inputs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// A summary of libFuzzer's log: `1000 inputs, 1496 edges covered by 17 of them`.
fn summary(log: &str) -> String {
    let runs = log
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let last = |key: &str| {
        let words = log.split_whitespace();
        let pairs = words.clone().zip(words.skip(1));
        let named = pairs.filter(|(name, _)| *name == key);
        named.last().map(|(_, value)| value)
    };
    // `corp: 17/1234b`: how many inputs, and how long they are together.
    let kept = last("corp:").and_then(|corpus| corpus.split('/').next());
    format!(
        "{} inputs, {} edges covered by {} of them",
        runs.unwrap_or("?").trim(),
        last("cov:").unwrap_or("no"),
        kept.unwrap_or("none")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_of_a_log() {
        let log = "#2\tINITED cov: 95 ft: 96 corp: 1/8b exec/s: 0\n\
                   #512\tREDUCE cov: 1496 ft: 97 corp: 1/7b\n\
                   Done 1000 runs in 1 second(s)\n\
                   stat::number_of_executed_units: 1000\n";
        assert_eq!(summary(log), "1000 inputs, 1496 edges covered by 1 of them");
    }

    /// The arguments of a run.
    fn arguments(limit: Limit, folder: &Path) -> Vec<String> {
        let mut command = Command::new("target");
        command_line(&mut command, limit, folder, "seal").unwrap();
        let arguments = command.get_args();
        arguments
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect()
    }

    /// Only a search starts from inputs that others have found.
    #[test]
    fn nothing_is_left_of_earlier_runs() {
        let folder = env::temp_dir().join(format!("xtask-fuzz-{}", std::process::id()));
        let found = folder.join("repeated/seal");
        let limit = Limit::Runs { runs: 7, seed: 3 };
        for _ in 0..2 {
            let told = arguments(limit, &folder);
            assert_eq!(told[0], found.display().to_string());
            assert!(told[1].starts_with("-seed_inputs=") && told[1].ends_with("small.json"));
            assert_eq!(told[2..4], ["-runs=7", "-seed=3"]);
            assert_eq!(fs::read_dir(&found).unwrap().count(), 0);
            fs::write(found.join("left"), "").unwrap();
        }
        let kept = folder.join("corpus/seal");
        for _ in 0..2 {
            let told = arguments(Limit::Seconds(9), &folder);
            assert_eq!(told[0], kept.display().to_string());
            assert_eq!(told[2], "-max_total_time=9");
            fs::write(kept.join("left"), "").unwrap();
        }
        assert_eq!(fs::read_dir(&kept).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn targets_have_seeds_and_are_named() {
        for target in chosen(None).unwrap() {
            let seeds = package().join("corpus").join(&target);
            assert!(seeds.is_dir(), "{}", seeds.display());
        }
        let error = chosen(Some("elf")).unwrap_err().to_string();
        assert!(
            error.starts_with("there is no fuzz target elf, but answers, "),
            "{error}"
        );
    }
}
