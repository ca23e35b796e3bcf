//! Kernels that alt-ld links.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use test_support::{Cross, Image, TARGET, rustc, workspace};

const ALT_LD: &str = env!("CARGO_BIN_EXE_alt-ld");

/// The instructions of the two helpers, as GNU as has them: `ldadd x0, x0, [x1]` and
/// `swpa w0, w0, [x1]`.
pub const LDADD: u32 = 0xf820_0020;
pub const SWPA: u32 = 0xb8a0_8020;

/// A folder for the objects and images of one test.
pub struct Folder {
    cross: Cross,
    dir: TempDir,
}

/// A link: whether it succeeded, and what alt-ld has said.
#[derive(Debug)]
pub struct Linked {
    pub success: bool,
    pub said: String,
}

impl Folder {
    /// Reports that `test` is skipped where nothing can be compiled for the target.
    pub fn new(test: &str) -> Option<Self> {
        let cross = Cross::new(test)?;
        let dir = TempDir::new().unwrap();
        alt_linker::write_scripts(dir.path()).unwrap();
        Some(Self { cross, dir })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The names of the files in the folder.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// Compiles the fixture and links it as `image` by alt-ld, with more arguments of the linker.
    /// `change` changes the text of a file of the fixture.
    pub fn kernel(
        &self,
        arguments: &[&str],
        change: impl Fn(&str, String) -> String,
        configure: impl FnOnce(&mut Command),
    ) -> Linked {
        let fixtures = workspace().join("linker/alt/tests/atomics/fixtures");
        for name in [
            "kernel.rs",
            "helpers.s",
            "calls.s",
            "kernel.ld",
            "cpucaps.toml",
        ] {
            let text = fs::read_to_string(fixtures.join(name)).unwrap();
            fs::write(self.path(name), change(name, text)).unwrap();
        }
        let mut rustc = self.cross.rustc();
        rustc
            .arg(self.path("kernel.rs"))
            .arg("-o")
            .arg(self.path("image"))
            .env("CARGO_MANIFEST_DIR", self.dir.path())
            .env("NO_COLOR", "1")
            // Otherwise rustc hides what a linker that succeeds prints.
            .arg("-Wlinker-messages")
            .args(["-Copt-level=2", "-Cpanic=abort", "-L"])
            .arg(self.dir.path())
            .arg(format!("-Clinker={ALT_LD}"))
            .arg(format!("-Clink-arg=-T{}", self.path("kernel.ld").display()));
        rustc.args(
            arguments
                .iter()
                .map(|argument| format!("-Clink-arg={argument}")),
        );
        configure(&mut rustc);
        Linked::of(rustc.output().unwrap())
    }

    /// The fixture without changes, which must link.
    pub fn image(&self) -> Image {
        let linked = self.kernel(&["--emit-relocs"], |_, text| text, |_| {});
        assert!(linked.success, "{}", linked.said);
        self.open()
    }

    pub fn open(&self) -> Image {
        Image::open(&self.path("image")).unwrap()
    }

    /// Assembles `NAME.o`.
    pub fn object(&self, name: &str, text: &str) -> PathBuf {
        let source = self.path(&format!("{name}.rs"));
        let rust = "#![no_std]\ncore::arch::global_asm!(include_str!(\"NAME.s\"), options(raw));\n";
        fs::write(&source, rust.replace("NAME", name)).unwrap();
        fs::write(self.path(&format!("{name}.s")), text).unwrap();
        let object = self.path(&format!("{name}.o"));
        let mut rustc = rustc();
        rustc.args(["--edition=2024", "--crate-type=lib", "--emit=obj"]);
        rustc
            .args(["--target", TARGET, "-o"])
            .args([&object, &source]);
        let linked = Linked::of(rustc.output().unwrap());
        assert!(linked.success, "{}", linked.said);
        object
    }

    /// Calls alt-ld in the folder.
    pub fn alt_ld(&self, arguments: &[&str]) -> Linked {
        let mut command = Command::new(ALT_LD);
        Linked::of(
            command
                .args(arguments)
                .current_dir(self.dir.path())
                .output()
                .unwrap(),
        )
    }

    /// Runs `alt` on files of the folder.
    pub fn alt(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alt"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        let output = command.env_remove("CLICOLOR_FORCE").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), printed)
    }
}

impl Linked {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            success: output.status.success(),
            said: text(output.stdout) + &text(output.stderr),
        }
    }
}

/// The word of an image.
pub fn word(image: &Image, address: u64) -> u32 {
    u32::from_le_bytes(image.bytes(address, 4).unwrap().try_into().unwrap())
}

/// The sites and replacements of the alternatives' records (docs/records.md).
pub fn records(image: &Path) -> Vec<(u64, u64)> {
    let image = Image::open(image).unwrap();
    let section = image.section("alt_records").unwrap();
    let fields = |at: u64, bytes: &[u8]| {
        let field = |from: usize| {
            let field = i32::from_le_bytes(bytes[from..from + 4].try_into().unwrap());
            (at + from as u64).wrapping_add_signed(field.into())
        };
        (field(0), field(4))
    };
    let records = section.bytes.chunks_exact(12);
    (section.range.start..)
        .step_by(12)
        .zip(records)
        .map(|(at, bytes)| fields(at, bytes))
        .collect()
}
