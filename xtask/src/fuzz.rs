//! `cargo xtask fuzz`: libFuzzer over the file formats that `alt` reads, on the stable toolchain.
//!
//! cargo-fuzz wants a nightly one for its sanitizers, which safe code gains little from. What
//! guides a fuzzer is LLVM's coverage pass, and stable rustc takes that by `-Cpasses`.

use crate::{Outcome, style};
use qemu_tests::guest::workspace;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// LLVM's SanitizerCoverage, as libFuzzer wants it: every edge counted, comparisons seen.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Inputs are not made longer than this, in bytes: what goes wrong goes wrong in small files.
const LONGEST: usize = 8192;

/// One input may take this long, in seconds.
const PATIENCE: u32 = 10;

/// Fuzzes each target, or the one that is named, for a number of seconds.
pub(crate) fn run(seconds: u32, only: Option<&str>) -> Outcome {
    let targets = chosen(only)?;
    let compiler = compiler()?;
    let folder = target_dir().join("fuzz");
    let host = host()?;
    build(&folder, &host, &compiler, &targets)?;
    let programs = folder.join(&host).join("release");
    let mut clean = true;
    for target in &targets {
        let program = programs.join(format!("{target}{}", env::consts::EXE_SUFFIX));
        clean &= fuzz(target, &program, &folder, seconds)?;
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

/// The C++ compiler that libFuzzer is built by.
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

/// The target that rustc builds for by itself.
fn host() -> io::Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .current_dir(workspace())
        .arg("-vV")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(String::from)
        .ok_or_else(|| io::Error::other("`rustc -vV` names no host"))
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

/// Runs one target. What it finds new is kept below the build folder, for the next time.
fn fuzz(target: &str, program: &Path, folder: &Path, seconds: u32) -> io::Result<bool> {
    let (found, crashes) = (
        folder.join("corpus").join(target),
        folder.join("crashes").join(target),
    );
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&crashes)?;
    let seeds = package().join("corpus").join(target);
    let known = inputs(&crashes)?;
    anstream::println!("{}", style::heading(format!("{target}: {seconds} s")));
    let mut command = Command::new(program);
    command
        .args([&found, &seeds])
        .arg(format!("-max_total_time={seconds}"))
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
         keep it, so that `cargo nextest run -p alt-linker --test fuzz` tries it always:\n        \
         cp {input} {}",
        style::bad("error"),
        program.display(),
        seeds.display(),
    );
    Ok(false)
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

/// What was done, from libFuzzer's log: `1000 inputs, 1496 edges covered`.
fn summary(log: &str) -> String {
    let runs = log
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let mut words = log.split_whitespace();
    let mut edges = None;
    while let Some(word) = words.next() {
        if word == "cov:" {
            edges = words.next();
        }
    }
    format!(
        "{} inputs, {} edges covered",
        runs.unwrap_or("?").trim(),
        edges.unwrap_or("no")
    )
}

fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
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
        assert_eq!(summary(log), "1000 inputs, 1496 edges covered");
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
