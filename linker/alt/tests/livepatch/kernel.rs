//! Small kernels, linked by `alt-ld` as one that can be livepatched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use test_support::{TARGET, rustc, skip};

/// Functions that call each other, statics, strings.
pub const SOURCE: &str = include_str!("kernel/source.rs");

/// The flags of rustc, as `alt livepatch flags` states them for cargo.
pub const FLAGS: [&str; 7] = [
    "-Ccodegen-units=1",
    "-Cdebuginfo=2",
    "-Cforce-frame-pointers=yes",
    "-Cllvm-args=-enable-global-merge=false",
    "-Cllvm-args=-mergefunc-use-aliases=false",
    "-Clink-arg=--emit-relocs",
    "-Clink-arg=--build-id=sha1",
];

/// A folder for the builds of one test.
pub struct Kernel {
    dir: TempDir,
}

impl Kernel {
    /// Reports that `test` is skipped where nothing can be compiled for the target.
    pub fn new(test: &str) -> Option<Self> {
        if skip::without_target(test) {
            return None;
        }
        let dir = TempDir::new().unwrap();
        alt_linker::write_scripts(dir.path()).unwrap();
        Some(Self { dir })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Builds `name` from a source in a folder of the name `name`.
    pub fn run(&self, name: &str, source: &str, flags: &[&str]) -> Output {
        let folder = self.path(&format!("{name}.src"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("kernel.rs"), source).unwrap();
        let mut rustc = rustc();
        rustc.current_dir(&folder).env("NO_COLOR", "1");
        rustc.args(["--edition=2024", "--target", TARGET, "-Cpanic=abort"]);
        rustc.args(["-Copt-level=2", "kernel.rs", "-Clink-arg=--alt-keep"]);
        rustc.arg(format!("-Clinker={}", env!("CARGO_BIN_EXE_alt-ld")));
        rustc.args(flags).arg("-o").arg(self.path(name));
        rustc.arg("-L").arg(self.dir.path());
        rustc.output().unwrap()
    }

    /// As [`run`](Self::run), with all flags; must succeed.
    #[track_caller]
    pub fn build(&self, name: &str, source: &str) -> PathBuf {
        let output = self.run(name, source, &FLAGS);
        assert!(output.status.success(), "{}", said(&output));
        self.path(name)
    }
}

/// The standard error.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The program `alt`.
pub fn alt(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alt"));
    command.current_dir(folder).env("NO_COLOR", "1");
    command.args(arguments).output().unwrap()
}
