//! Builds two versions of the fixture by rustc and `alt-ld --alt-keep`, and compares them by `alt`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use alt_livepatch::archive::flags;
use serde_json::Value;
use tempfile::TempDir;
use test_support::{TARGET, rustc, workspace};

/// How the kernel is linked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// LTO off.
    Off,
    /// Fat LTO.
    Fat,
}

pub const MODES: [Mode; 2] = [Mode::Off, Mode::Fat];

/// A change of a source: file, old text, new text.
pub type Edit<'a> = (&'a str, &'a str, &'a str);

/// A build of the fixture in a folder of its own.
pub struct Built {
    dir: TempDir,
}

impl Built {
    /// Builds the fixture with changes, and with further arguments of rustc for the kernel.
    #[track_caller]
    pub fn new(mode: Mode, edits: &[Edit<'_>], arguments: &[&str]) -> Self {
        Self::link(mode, edits, flags::LINKER, arguments)
    }

    /// The same with LTO off, by a link that is not kept, so that `alt-ld` accepts any flags.
    #[track_caller]
    pub fn not_kept(arguments: &[&str]) -> Self {
        Self::link(
            Mode::Off,
            &[],
            &["--emit-relocs", "--build-id=sha1"],
            arguments,
        )
    }

    #[track_caller]
    fn link(mode: Mode, edits: &[Edit<'_>], linker_flags: &[&str], arguments: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let fixtures = workspace().join("linker/alt/tests/livepatch_diff/fixtures");
        for name in ["dep.rs", "kernel.rs", "link.ld"] {
            let mut text = fs::read_to_string(fixtures.join(name)).unwrap();
            for (_, from, to) in edits.iter().filter(|(file, ..)| *file == name) {
                assert_eq!(text.matches(from).count(), 1, "{name}: {from:?}");
                text = text.replace(from, to);
            }
            fs::write(dir.path().join(name), text).unwrap();
        }
        let built = Self { dir };
        built.run(
            built
                .rustc("dep.rs")
                .args(["--crate-type=rlib", "-o", "libdep.rlib"]),
        );
        let linker = env!("CARGO_BIN_EXE_alt-ld");
        built.run(
            built
                .rustc("kernel.rs")
                .args(["--extern=dep=libdep.rlib", "-Clink-arg=-Tlink.ld"])
                .args(["-Clinker-flavor=ld.lld", &format!("-Clinker={linker}")])
                .args(linker_flags.iter().map(|flag| format!("-Clink-arg={flag}")))
                .args(
                    match mode {
                        Mode::Off => "-Clto=off",
                        Mode::Fat => "-Clto=fat",
                    }
                    .split_whitespace(),
                )
                .args(["-o", "image"])
                .args(arguments),
        );
        built
    }

    fn rustc(&self, source: &str) -> Command {
        let mut command = rustc();
        command
            .current_dir(self.dir.path())
            .args([source, "--edition=2024", "--target", TARGET])
            .args(["-Copt-level=2", "-Cpanic=abort", "-Cembed-bitcode=yes"])
            .args(["-Ccodegen-units=1", "-Cdebuginfo=2", "-Awarnings"])
            .args(flags::RUSTC);
        command
    }

    #[track_caller]
    fn run(&self, command: &mut Command) {
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {errors}");
    }

    pub fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    pub fn kept(&self) -> PathBuf {
        self.dir.path().join("image.livepatch")
    }
}

/// What `alt livepatch diff` says.
pub struct Outcome {
    pub status: i32,
    pub report: Value,
    pub stderr: String,
}

impl Outcome {
    /// Changes as `changed NAME: REASON, …`, and refusals as `refused[CODE] SUBJECT`.
    pub fn lines(&self) -> Vec<String> {
        let list = |name: &str| self.report[name].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let changes = list("changes").into_iter().map(|change| {
            let reasons = change["reasons"].as_array().cloned().unwrap_or_default();
            let reasons: Vec<_> = reasons.iter().map(text).collect();
            let reasons = match reasons.is_empty() {
                true => String::new(),
                false => format!(": {}", reasons.join(", ")),
            };
            let kind = match text(&change["kind"]).as_str() {
                "static" => "static ",
                _ => "",
            };
            format!(
                "{} {kind}{}{reasons}",
                text(&change["what"]),
                text(&change["name"])
            )
        });
        let refusals = list("refusals").into_iter();
        let refusals = refusals.map(|refusal| {
            format!(
                "refused[{}] {}",
                text(&refusal["code"]),
                text(&refusal["subject"])
            )
        });
        changes.chain(refusals).collect()
    }

    /// The messages of the refusals.
    pub fn messages(&self) -> String {
        let refusals = self.report["refusals"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let messages = refusals
            .iter()
            .filter_map(|refusal| refusal["message"].as_str());
        messages.collect::<Vec<_>>().join("\n")
    }
}

/// Runs `alt livepatch diff OLD NEW --json`.
pub fn diff(old: &Path, new: &Path, arguments: &[&str]) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_alt"))
        .args(["livepatch", "diff", "--json"])
        .args([old, new])
        .args(arguments)
        .output()
        .unwrap();
    Outcome {
        status: output.status.code().unwrap(),
        report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
