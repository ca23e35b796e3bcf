//! The linker that comes with rustc.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::PartialLinkError;

/// The arguments of the linker.
pub(super) struct Job<'a> {
    pub script: &'a Path,
    pub map: &'a Path,
    pub output: &'a Path,
    /// The roots of garbage collection.
    pub roots: &'a [String],
    pub inputs: &'a [PathBuf],
}

/// The result of a link by lld.
pub(super) enum Outcome {
    Linked,
    /// With its standard error.
    Refused(String),
}

/// rust-lld of the toolchain in use.
pub(super) fn find() -> Result<PathBuf, PartialLinkError> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = ask(&rustc, &["--print", "sysroot"])?;
    let version = ask(&rustc, &["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.unwrap_or_default().trim();
    let name = format!("rust-lld{}", env::consts::EXE_SUFFIX);
    let path = PathBuf::from(sysroot.trim())
        .join("lib/rustlib")
        .join(host)
        .join("bin")
        .join(name);
    match path.is_file() {
        true => Ok(path),
        false => Err(PartialLinkError::NoLinker { path }),
    }
}

fn ask(rustc: &OsString, arguments: &[&str]) -> Result<String, PartialLinkError> {
    let failed = |why: String| PartialLinkError::Rustc {
        rustc: PathBuf::from(rustc),
        why,
    };
    let output = Command::new(rustc).args(arguments).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(failed(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

/// Links partially.
pub(super) fn run(linker: &Path, job: &Job<'_>) -> Result<Outcome, PartialLinkError> {
    let mut command = Command::new(linker);
    // lld selects the format by the name of the program; rust-lld needs an option.
    let stem = linker.file_stem().unwrap_or_default().to_string_lossy();
    if stem.ends_with("rust-lld") || stem == "lld" {
        command.args(["-flavor", "gnu"]);
    }
    command.args(["-r", "-m", "aarch64elf", "--gc-sections"]);
    // Resolves COMDAT groups now: the members are renamed, so the final link must not discard them
    // for groups of the kernel.
    command.arg("--force-group-allocation");
    command.args(["--error-limit=0", "--color-diagnostics=never"]);
    command.arg("-T").arg(job.script);
    let mut map = OsString::from("-Map=");
    map.push(job.map);
    command.arg(map).arg("-o").arg(job.output);
    for root in job.roots {
        command.args(["-u", root]);
    }
    let output = command.args(job.inputs).output();
    let output = output.map_err(|error| PartialLinkError::Run {
        linker: linker.to_owned(),
        error,
    })?;
    if output.status.success() {
        return Ok(Outcome::Linked);
    }
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(Outcome::Refused(match words.trim().is_empty() {
        true => output.status.to_string(),
        false => words.trim_end().to_owned(),
    }))
}
