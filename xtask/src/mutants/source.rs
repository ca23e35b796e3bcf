//! Mutants of the pass over finished tables: copies of alt-runtime's source with one check left out. A host
//! test must fail.
//!
//! The compiler inlines and reorders parts of the pass, so no instruction pattern
//! corresponds to a check, as it does in the routine that commits. The copies are compiled by rustc, with the dependencies
//! that cargo has built, and the tests of `alt-runtime/tests/finished` with each of them.

use serde_json::Value;
use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Mutex, PoisonError},
    thread,
};
use tempfile::TempDir;
use test_support::{cargo, rustc, workspace};

const PACKAGE: &str = "alt-runtime";
/// The root of the tests, in the package.
const TESTS: &str = "tests/finished/main.rs";

/// One change to the source.
pub(super) struct Mutant {
    pub(super) name: &'static str,
    /// Description of the change.
    pub(super) what: &'static str,
    /// In `alt-runtime/src`.
    pub(super) file: &'static str,
    /// The text that is replaced, which the file has once.
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

/// The tests that fail, by mutant; first those of the unchanged source.
pub(super) fn run(mutants: &[Mutant]) -> io::Result<Vec<(Option<&Mutant>, Vec<String>)>> {
    let dependencies = dependencies()?;
    let all: Vec<_> = std::iter::once(None)
        .chain(mutants.iter().map(Some))
        .collect();
    let queue = Mutex::new(all.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let judge_all = || {
        let mut judged = Vec::new();
        while let Some((number, mutant)) = next() {
            judged.push((number, mutant, failed(mutant, &dependencies)?));
        }
        io::Result::Ok(judged)
    };
    // Each compilation is nearly one thread.
    let mut judged = thread::scope(|scope| {
        let other = scope.spawn(judge_all);
        let mut judged = judge_all()?;
        judged.extend(other.join().map_err(|_| io::Error::other("a thread"))??);
        io::Result::Ok(judged)
    })?;
    judged.sort_by_key(|(number, ..)| *number);
    let judged = judged.into_iter();
    Ok(judged.map(|(_, mutant, failed)| (mutant, failed)).collect())
}

/// The libraries that alt-runtime is compiled with, by the names of their crates.
fn dependencies() -> io::Result<BTreeMap<String, PathBuf>> {
    let mut command = cargo();
    // Those of tests unwind, others abort.
    command.args(["test", "--no-run", "--package", PACKAGE]);
    command.args(["--test", "finished", "--message-format"]);
    command.arg("json-render-diagnostics");
    let output = checked(command.stderr(Stdio::inherit()))?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines();
    let messages = messages.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let artifacts = messages.filter_map(|message| {
        let name = message["target"]["name"].as_str()?.replace('-', "_");
        let files = message["filenames"].as_array()?.iter();
        let mut files = files.filter_map(|file| file.as_str().map(PathBuf::from));
        let is_library = |path: &PathBuf| {
            let extension = path.extension();
            ["rlib", "so", "dylib", "dll"]
                .iter()
                .any(|kind| extension == Some(kind.as_ref()))
        };
        Some((name, files.find(is_library)?))
    });
    Ok(artifacts.collect())
}

/// The tests that fail with a mutant.
fn failed(
    mutant: Option<&Mutant>,
    dependencies: &BTreeMap<String, PathBuf>,
) -> io::Result<Vec<String>> {
    let folder = TempDir::new()?;
    let source = folder.path().join("src");
    copy(&workspace().join(PACKAGE).join("src"), &source)?;
    if let Some(mutant) = mutant {
        let file = source.join(mutant.file);
        let text = mutant.apply(&fs::read_to_string(&file)?)?;
        fs::write(&file, text)?;
    }
    let compile = |root: &Path, name: &str| {
        let mut rustc = rustc();
        rustc
            .current_dir(folder.path())
            .args(["--edition", "2024", "--cap-lints", "allow"]);
        rustc.args(["--crate-name", name]).arg(root);
        for feature in ["raw-tables", "finished-tables", "messages"] {
            rustc.arg("--cfg").arg(format!("feature=\"{feature}\""));
        }
        for file in dependencies.values() {
            let folder = file.parent().unwrap_or(Path::new("."));
            rustc.arg(format!("-Ldependency={}", folder.display()));
            rustc.arg(format!("-Ldependency={}", folder.join("deps").display()));
        }
        rustc
    };
    let mut library = compile(&source.join("lib.rs"), "alt_runtime");
    for (name, file) in dependencies
        .iter()
        .filter(|(name, _)| *name != "alt_runtime")
    {
        library.arg(format!("--extern={name}={}", file.display()));
    }
    checked(library.args(["--crate-type", "rlib"]))?;
    let mut tests = compile(&workspace().join(PACKAGE).join(TESTS), "finished");
    tests.arg("--extern=alt_runtime=libalt_runtime.rlib");
    checked(tests.arg("--test"))?;
    let program = folder
        .path()
        .join(format!("finished{}", env::consts::EXE_SUFFIX));
    let output = Command::new(program).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text
        .lines()
        .filter_map(|line| line.strip_suffix(" ... FAILED"));
    let names: Vec<_> = names
        .filter_map(|line| line.strip_prefix("test "))
        .map(String::from)
        .collect();
    match output.status.success() == names.is_empty() {
        true => Ok(names),
        false => Err(io::Error::other(format!(
            "the tests end with {}: {text}",
            output.status
        ))),
    }
}

impl Mutant {
    /// Its file, in the workspace.
    #[cfg(test)]
    pub(super) fn path(&self) -> PathBuf {
        workspace().join(PACKAGE).join("src").join(self.file)
    }

    /// The changed text of its file.
    pub(super) fn apply(&self, text: &str) -> io::Result<String> {
        match text.matches(self.from).count() {
            1 => Ok(text.replacen(self.from, self.to, 1)),
            found => Err(io::Error::new(
                ErrorKind::InvalidData,
                format!(
                    "{}: {} is {found} times in {}",
                    self.name, self.from, self.file
                ),
            )),
        }
    }
}

/// The output of a command that succeeds.
fn checked(command: &mut Command) -> io::Result<Output> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(output),
        false => {
            let why = String::from_utf8_lossy(&output.stderr);
            Err(io::Error::other(format!("{command:?}: {why}")))
        }
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => drop(fs::copy(entry.path(), to)?),
        }
    }
    Ok(())
}
