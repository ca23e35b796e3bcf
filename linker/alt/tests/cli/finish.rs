//! `alt finish`, and `alt-ld --alt-finish`: the commands say the same about a raw image and a finished
//! one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use test_support::{Linker, TARGET, rustc, skip};

use crate::fixture::Fixture;
use crate::run::{Ran, alt, finish};

/// Sites of one instruction, of two, and branches; more than a table of a few buckets needs.
const SOURCE: &str = r#"
.macro record site, condition, len
.pushsection alt_records, "ao", @progbits, _start
    .long \site - ., yields - .
    .hword \condition
    .byte \len, \len
.popsection
.pushsection alt_plan_size, "o", @nobits, _start
    .skip 12 * \len
.popsection
.endm
.globl __alt_layout_version
.set __alt_layout_version, 2
.section .text._start, "ax"
.globl _start
_start:
.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20
site\n:
    nop
    nop
record site\n, 3, 2
record site\n, 5, 2
branch\n:
    nop
.pushsection alt_branches, "ao", @progbits, _start
    .long branch\n - .
    .hword 4, 1
.popsection
.pushsection alt_plan_size, "o", @nobits, _start
    .skip 12
.popsection
.endr
    b .
.pushsection alt_replacements, "ao", @progbits, _start
yields:
    yield
    yield
.popsection
"#;

struct Linked {
    dir: TempDir,
}

impl Linked {
    fn new(test: &str) -> Option<Self> {
        Self::of(test, SOURCE)
    }

    /// Of another source.
    fn of(test: &str, source: &str) -> Option<Self> {
        if skip::without_target(test) {
            return None;
        }
        let dir = TempDir::new().unwrap();
        alt_linker::write_scripts(dir.path()).unwrap();
        let file = |name| dir.path().join(name);
        fs::write(file("sites.s"), source).unwrap();
        let rust =
            "#![no_std]\ncore::arch::global_asm!(include_str!(\"sites.s\"), options(raw));\n";
        fs::write(file("sites.rs"), rust).unwrap();
        let mut command = rustc();
        command.args(["--edition=2024", "--crate-type=lib", "--emit=obj"]);
        command.args(["--target", TARGET, "-o"]);
        let output = command
            .args([file("sites.o"), file("sites.rs")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        Some(Self { dir })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Links, by any linker; must succeed.
    fn link(&self, linker: &mut Command, output: &Path) -> String {
        let ran = self.run(linker, output);
        assert_eq!(ran.status, 0, "{ran:?}");
        ran.stderr
    }

    fn run(&self, linker: &mut Command, output: &Path) -> Ran {
        let scripts = format!("-L{}", self.dir.path().display());
        let script = self.file("kernel.ld");
        let text = "ENTRY(_start)\nSECTIONS {\n . = 0x40200000;\n \
                    INCLUDE alternatives-init.x\n .text : { *(.text .text.*) }\n}\n";
        fs::write(&script, text).unwrap();
        linker.args([&scripts, "--emit-relocs", "-T"]);
        linker.arg(&script).arg("-o");
        finish(linker.arg(output).arg(self.file("sites.o")))
    }
}

/// Runs a command on an image; everything that it leaves.
fn said(words: &[&str], image: &Path) -> (i32, String, String) {
    let ran = alt(words
        .iter()
        .map(|word| word.to_string())
        .chain([image.display().to_string()]));
    (ran.status, ran.stdout, ran.stderr)
}

#[test]
fn commands_say_the_same_about_a_finished_image() {
    let Some(linked) = Linked::new("commands_say_the_same_about_a_finished_image") else {
        return;
    };
    let (raw, finished) = (linked.file("raw"), linked.file("finished"));
    linked.link(&mut Linker::Lld.command(), &raw);
    let [from, to] = [&raw, &finished].map(|path| path.display().to_string());
    let before = fs::read(&raw).unwrap();
    let done = alt(["finish", &from, "-o", &to]).clean();
    assert!(done.starts_with("table: 648 bytes -> "), "{done}");
    assert!(done.contains("20 set, 40 copy"), "{done}");
    assert_eq!(fs::read(&raw).unwrap(), before);
    assert_ne!(fs::read(&finished).unwrap(), before);

    for words in [
        &["dump"][..],
        &["dump", "--json"],
        &["stats"],
        &["stats", "--json"],
        &["seal"],
        &["verify"],
    ] {
        assert_eq!(said(words, &finished), said(words, &raw), "{words:?}");
    }
    // The text after each pass, cut out by another tool's headers: it is one section.
    let text = |path: &Path| {
        let image = test_support::Image::open(path).unwrap();
        image.section(".text").unwrap().bytes.clone()
    };
    let mut texts = Vec::new();
    for caps in ["", "3", "4", "5", "3,4", "3,5", "3,4,5"] {
        let [raw, finished] = [&from, &to].map(|image| {
            let patched = linked.file("patched");
            let output = patched.display().to_string();
            let said = alt(["apply", image, "--caps", caps, "-o", &output]).clean();
            (said, text(&patched))
        });
        assert_eq!(finished, raw, "{caps}");
        texts.push(raw.1);
    }
    texts.sort();
    texts.dedup();
    assert_eq!(
        texts.len(),
        4,
        "with cpucap 3 or 5, with 4, with both, without"
    );
    let memory = linked.write("memory", &text(&raw));
    let base = test_support::Image::open(&raw).unwrap();
    let base = format!("{:#x}", base.section(".text").unwrap().range.start);
    let dump = ["diff", "--caps", "", "--dump", &memory, "--base", &base];
    assert_eq!(said(&dump, &finished), said(&dump, &raw));

    // A second time; without the records; with a bit of the table changed.
    alt(["finish", &to]).refused(&["the tables are finished already"]);
    let image = alt_image::image::Image::parse(fs::read(&finished).unwrap()).unwrap();
    let table = image.section("alt_records").unwrap().file.start;
    let names = fs::read(&finished).unwrap();
    let name = b".alt_raw_records\0";
    let at = names.windows(name.len()).position(|bytes| bytes == name);
    let renamed = changed(&names, at.unwrap() + 5);
    let damaged = changed(&names, table + 40);
    let renamed = linked.write("renamed", &renamed);
    alt(["dump", &renamed])
        .refused(&[".alt_raw_records, with the records of alt_records, has been"]);
    // The copy of the records has another address in its header than the table.
    let moved = linked.write("moved", &with_moved_copy(&names));
    alt(["dump", &moved]).refused(&[".alt_raw_records is not the copy of the table alt_records"]);
    let damaged = linked.write("damaged", &damaged);
    let found = alt(["verify", &damaged]).found();
    assert!(found.contains("finished-table"), "{found}");
    alt(["apply", &damaged, "--caps", "3", "-o", "never"]).refused(&["finished"]);

    // By alt-ld, as part of the link.
    let by_link = linked.file("by-link");
    let mut linker = Command::new(env!("CARGO_BIN_EXE_alt-ld"));
    let said = linked.link(linker.arg("--alt-finish"), &by_link);
    assert!(said.contains(done.trim()), "{said}");
    assert_eq!(fs::read(&by_link).unwrap(), fs::read(&finished).unwrap());
}

impl Linked {
    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.file(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }
}

/// A finished image whose section `.alt_raw_records` is 4 bytes further on (ELF-64, section headers).
fn with_moved_copy(image: &[u8]) -> Vec<u8> {
    let number = |at: usize, len: usize| {
        let mut bytes = [0; 8];
        bytes[..len].copy_from_slice(&image[at..at + len]);
        u64::from_le_bytes(bytes) as usize
    };
    let (headers, count, names) = (number(0x28, 8), number(0x3c, 2), number(0x3e, 2));
    let names = number(headers + 64 * names + 0x18, 8);
    let mut headers = (0..count).map(|index| headers + 64 * index);
    let header = headers.find(|header| {
        let name = &image[names + number(*header, 4)..];
        name.starts_with(b".alt_raw_records\0")
    });
    let at = header.unwrap() + 0x10;
    let address = number(at, 8) as u64 + 4;
    let mut image = image.to_vec();
    image[at..at + 8].copy_from_slice(&address.to_le_bytes());
    image
}

fn changed(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

/// Few sites stay raw, and the file is the same; what cannot be read is refused.
#[test]
fn an_image_of_few_sites_stays_as_it_is() {
    let Some(fixture) = Fixture::new("an_image_of_few_sites_stays_as_it_is") else {
        return;
    };
    let out = fixture.file("out");
    let (path, output) = (fixture.path().display(), out.display());
    let before = fs::read(fixture.path()).unwrap();
    let ran = alt(["finish", &path.to_string(), "-o", &output.to_string()]);
    let said = ran.clean();
    assert!(said.contains("table: stays raw: "), "{said}");
    assert_eq!(fs::read(&out).unwrap(), before);

    let damaged = fixture.write("damaged", &before[..before.len() / 2]);
    alt(["finish", &damaged.display().to_string(), "-o", "never"]).refused(&["damaged"]);
    assert!(!Path::new("never").exists());
}

/// A branch that leaves the text is found when the table is finished: no image is left.
#[test]
fn an_image_that_cannot_be_finished_is_removed() {
    let test = "an_image_that_cannot_be_finished_is_removed";
    let source = SOURCE.replace(".hword 4, 1", ".hword 4, 0x7000");
    let Some(linked) = Linked::of(test, &source) else {
        return;
    };
    let image = linked.file("image");
    let mut linker = Command::new(env!("CARGO_BIN_EXE_alt-ld"));
    let ran = linked.run(linker.arg("--alt-finish"), &image);
    assert_eq!(ran.status, 2, "{ran:?}");
    for said in ["image: removed, --alt-finish failed: ", "leaves the text"] {
        assert!(ran.stderr.contains(said), "{ran:?}");
    }
    assert!(!image.exists());
    // The same by `alt finish`, which writes a file only at its end.
    linked.link(&mut Linker::Lld.command(), &image);
    let out = linked.file("out");
    let (path, output) = (image.display().to_string(), out.display().to_string());
    alt(["finish", &path, "-o", &output]).refused(&["branch1"]);
    assert!(!out.exists());
}
