//! Objects from assembler text, and their links.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use alt_linker::branch_range::{self, Options, Report};
use alt_linker::{Diagnostic, Location, Reference};
use tempfile::TempDir;
use test_support::{Image, Linker, TARGET, rustc, skip};

/// A folder for the objects of one test.
pub struct Link {
    dir: TempDir,
}

/// Makes assembler text the only content of an object.
const SHIM: &str = "#![no_std]\ncore::arch::global_asm!(include_str!(env!(\"ASM\")));\n";

impl Link {
    /// Reports that `test` is skipped where nothing can be compiled for the target.
    pub fn new(test: &str) -> Option<Self> {
        if skip::without_target(test) {
            return None;
        }
        let dir = TempDir::new().unwrap();
        alt_linker::write_scripts(dir.path()).unwrap();
        fs::write(dir.path().join("shim.rs"), SHIM).unwrap();
        Some(Self { dir })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Assembles `NAME.o`, by the assembler in rustc; its file symbol begins with NAME.
    pub fn object(&self, name: &str, text: &str) -> PathBuf {
        let source = self.write(&format!("{name}.s"), text);
        let out = self.path(&format!("{name}.o"));
        let mut rustc = self.rustc();
        rustc.env("ASM", source).arg(self.path("shim.rs"));
        rustc.args(["--crate-name", name, "--crate-type=lib", "--emit=obj"]);
        succeed(rustc.arg("-o").arg(&out));
        out
    }

    pub fn rustc(&self) -> Command {
        let mut rustc = rustc();
        rustc.args(["--edition=2024", "--target", TARGET, "-Cpanic=abort"]);
        rustc.arg("-L").arg(self.dir.path());
        rustc
    }

    /// Links objects, in their order; the linker's words if it refuses.
    pub fn link(
        &self,
        linker: Linker,
        objects: &[&Path],
        arguments: &[&str],
    ) -> Result<PathBuf, String> {
        let out = self.path("linked");
        let mut command = linker.command();
        // By default, both report only the first errors.
        command.arg(match linker {
            Linker::Lld => "--error-limit=0",
            Linker::Gnu => "--verbose",
        });
        command.arg("-L").arg(self.dir.path()).args(arguments);
        let output = command.args(objects).arg("-o").arg(&out).output().unwrap();
        match output.status.success() {
            true => Ok(out),
            false => Err(String::from_utf8(output.stderr).unwrap()),
        }
    }
}

/// The address of a symbol.
#[track_caller]
pub fn address(image: &Path, symbol: &str) -> u64 {
    Image::open(image).unwrap().symbol(symbol).unwrap()
}

/// What a command that must succeed writes.
#[track_caller]
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The report on inputs that can be read.
#[track_caller]
pub fn check(inputs: &[&Path]) -> Report {
    branch_range::check(inputs, &options()).unwrap()
}

/// The one finding in inputs.
#[track_caller]
pub fn finding(inputs: &[&Path]) -> Diagnostic {
    let mut findings = check(inputs).findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.remove(0)
}

/// The instruction of a finding, and the symbol that it refers to.
#[track_caller]
pub fn reference(finding: &Diagnostic) -> &Reference {
    finding.reference.as_ref().unwrap()
}

/// The location of a finding: file, section, offset, function.
#[track_caller]
pub fn location(finding: &Diagnostic) -> (&str, &str, u64, Option<&str>) {
    match finding.location.as_ref().unwrap() {
        Location::Object {
            file,
            section,
            offset,
            function,
        } => (file, section, *offset, function.as_deref()),
        other => panic!("{other:?}"),
    }
}

/// With the disassembler of the program `alt`.
pub fn options() -> Options {
    Options {
        before_target: Some(alt_image::disasm::before_target),
        ..Options::default()
    }
}
