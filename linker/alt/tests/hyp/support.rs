//! Small hypervisors, compiled and linked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use alt_linker::partial_link::{Link, PartialLinkError};
use tempfile::TempDir;
use test_support::{TARGET, rustc, skip};

/// A manifest that allows nothing.
pub const PLAIN: &str = "exports = [\"init\"]\n";

/// For `hypervisor.rs`.
pub const MANIFEST: &str = "\
exports = [\"vectors\", \"init\"]
[allow]
SHARED = \"data-ro\"
[mapped]
data-ro = [\".shared.rodata\"]
[sections]
\".data.percpu\" = [\".data..percpu\"]
";

/// A folder with what a link is given, and what it makes.
pub struct Bench {
    pub dir: TempDir,
}

impl Bench {
    /// Says that `test` is skipped where the target is not installed.
    pub fn new(test: &str) -> Option<Self> {
        if skip::without_target(test) {
            return None;
        }
        Some(Self {
            dir: TempDir::new().unwrap(),
        })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Compiles Rust with these flags of rustc, into the file `out`.
    pub fn rust(&self, source: &str, out: &str, flags: &[&str]) -> PathBuf {
        let source = self.write("fixture.rs", source);
        let mut rustc = rustc();
        rustc
            .args(["--edition", "2024", "--target", TARGET])
            .args(["-O", "-Cpanic=abort", "-Ccodegen-units=1"])
            .args(flags)
            .arg("-L")
            .arg(self.dir.path())
            .arg(source)
            .arg("-o")
            .arg(self.path(out));
        let output = rustc.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        self.path(out)
    }

    /// The hypervisor of these tests, as a static library with all that it needs.
    pub fn library(&self, flags: &[&str]) -> PathBuf {
        let flags = [&["--crate-type=staticlib"], flags].concat();
        self.rust(include_str!("fixtures/hypervisor.rs"), "libhyp.a", &flags)
    }

    /// Assembles text into an object.
    pub fn assemble(&self, text: &str, out: &str) -> PathBuf {
        let text = self.write("fixture.s", format!("{text}\n"));
        let text = text.display().to_string();
        let source =
            format!("#![no_std]\ncore::arch::global_asm!(include_str!({text:?}), options(raw));\n");
        self.rust(&source, out, &["--crate-type=lib", "--emit=obj"])
    }

    pub fn link(&self, manifest: &str, inputs: &[&Path]) -> Result<PathBuf, PartialLinkError> {
        self.link_as("hyp", manifest, inputs)
    }

    pub fn link_as(
        &self,
        name: &str,
        manifest: &str,
        inputs: &[&Path],
    ) -> Result<PathBuf, PartialLinkError> {
        let link = Link::new(self.write("hyp.toml", manifest)).name(name);
        let link = inputs.iter().fold(link, |link, input| link.input(*input));
        link.scratch(self.dir.path())
            .output(self.path("out.o"))
            .link()
    }

    /// What is said of an input that must be refused; there is no output then.
    #[track_caller]
    pub fn refused(&self, manifest: &str, inputs: &[&Path]) -> String {
        let error = self.link(manifest, inputs).unwrap_err();
        assert!(!self.path("out.o").exists());
        error.to_string()
    }

    /// Assembles and links an object, which must be refused.
    #[track_caller]
    pub fn refused_text(&self, manifest: &str, text: &str) -> String {
        let object = self.assemble(text, "fixture.o");
        self.refused(manifest, &[&object])
    }

    /// The same by the program.
    pub fn alt(&self, manifest: &str, inputs: &[&Path]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_alt"))
            .arg("hyp-link")
            .arg("--manifest")
            .arg(self.write("hyp.toml", manifest))
            .arg("-o")
            .arg(self.path("out.o"))
            .args(inputs)
            .env("NO_COLOR", "1")
            .output()
            .unwrap()
    }
}

/// All of these words must be in a message.
#[track_caller]
pub fn expect(message: &str, words: &[&str]) {
    for words in words {
        assert!(message.contains(words), "no {words:?} in:\n{message}");
    }
}
