//! Objects from assembler text, and linkers for them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use alt_linker::reach::{self, Finding, Options, Report};
use qemu_tests::Image;
use qemu_tests::guest::{TARGET, target_is_there};
use qemu_tests::skip;
use tempfile::TempDir;

/// A folder for the objects of one test.
pub struct Link {
    dir: TempDir,
}

/// A linker for the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linker {
    Lld,
    Gnu,
}

const GNU: &str = "aarch64-linux-gnu-ld";

/// Makes assembler text the only content of an object.
const SHIM: &str = "#![no_std]\ncore::arch::global_asm!(include_str!(env!(\"ASM\")));\n";

impl Link {
    /// Says that `test` is skipped where nothing can be compiled for the target.
    pub fn new(test: &str) -> Option<Self> {
        if !target_is_there() {
            skip::because(&format!(
                "{test}: needs the target {TARGET} (rustup target add {TARGET})"
            ));
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
        let mut command = match linker {
            Linker::Lld => Command::new(rust_lld()),
            Linker::Gnu => Command::new(GNU),
        };
        // Both say no more than so much is wrong, unless asked.
        command.args(match linker {
            Linker::Lld => &["-flavor", "gnu", "--error-limit=0"][..],
            Linker::Gnu => &["--verbose"],
        });
        command.arg("-L").arg(self.dir.path()).args(arguments);
        let output = command.args(objects).arg("-o").arg(&out).output().unwrap();
        match output.status.success() {
            true => Ok(out),
            false => Err(String::from_utf8(output.stderr).unwrap()),
        }
    }
}

/// The linkers there are; says that `test` is skipped for GNU ld if it is missing.
pub fn linkers(test: &str) -> Vec<Linker> {
    let gnu = Command::new(GNU).arg("--version").output();
    if gnu.is_ok_and(|output| output.status.success()) {
        vec![Linker::Lld, Linker::Gnu]
    } else {
        skip::because(&format!(
            "{test}: needs {GNU} (Debian: binutils-aarch64-linux-gnu)"
        ));
        vec![Linker::Lld]
    }
}

/// The linker of the toolchain.
pub fn rust_lld() -> PathBuf {
    let output = succeed(rustc().args(["--print", "target-libdir"]));
    let libraries = PathBuf::from(output.trim());
    let tools = libraries.parent().unwrap().join("bin");
    tools.join(format!("rust-lld{}", env::consts::EXE_SUFFIX))
}

fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
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
    reach::check(inputs, &Options::default()).unwrap()
}

/// The one finding in inputs.
#[track_caller]
pub fn finding(inputs: &[&Path]) -> Finding {
    let mut findings = check(inputs).findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.remove(0)
}
