//! `alt` with bad input: exit status 2, one message, nothing on standard output, no file written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::elf::{self, Elf};

/// A folder with a good image and what goes with it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.add("good", elf::image().bytes());
        folder.add("dump", [0; 32]);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn add(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn alt(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_alt"))
            .current_dir(self.0.path())
            .args(arguments)
            .env_remove("CLICOLOR_FORCE")
            .output()
            .unwrap()
    }

    /// The one message of a command that is refused.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.alt(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
        assert!(!self.path("out").exists(), "{arguments:?}");
        assert!(error.starts_with("error: "), "{arguments:?}: {error}");
        assert!(!error.contains("panicked"), "{arguments:?}: {error}");
        error
    }
}

/// Every command that takes an image, with all else as it should be.
fn commands(image: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["dump", image],
        vec!["stats", image],
        vec!["verify", image],
        vec!["verify", image, "--json"],
        vec!["seal", image, "-o", "out"],
        vec!["apply", image, "--caps", "1", "-o", "out"],
        vec![
            "diff",
            image,
            "--caps",
            "1",
            "--dump",
            "dump",
            "--base",
            "0x40200000",
        ],
    ]
}

/// The undamaged image is taken by each: what follows is refused for what was damaged.
#[test]
fn good_image_is_taken() {
    let folder = Folder::new();
    for command in commands("good") {
        let output = folder.alt(&command);
        assert_ne!(output.status.code(), Some(2), "{command:?}: {output:?}");
    }
    assert!(folder.path("out").exists());
}

#[test]
fn images_that_are_none() {
    let folder = Folder::new();
    let good = elf::image().bytes();
    let with = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let changed = |change: &dyn Fn(&mut Elf)| {
        let mut elf = elf::image();
        change(&mut elf);
        elf.bytes()
    };
    let cases: [(&str, Vec<u8>); 12] = [
        ("not an ELF file", b"#!/bin/sh\n".to_vec()),
        ("an ELF file of 32 bits", with(4, &[1])),
        ("a big-endian ELF file", with(5, &[2])),
        (
            "an ELF file for machine 0x3e; arm64 is 0xb7",
            with(18, &[62]),
        ),
        ("an ELF file of type 4", with(16, &[4])),
        (
            "truncated or its headers are damaged: the header",
            good[..40].to_vec(),
        ),
        (
            "truncated or its headers are damaged: the section headers",
            good[..good.len() - 1].to_vec(),
        ),
        (
            "section .text (0x100000000 + 0x20 bytes) is past the end of the file",
            changed(&|elf| elf.section(".text").offset = Some(1 << 32)),
        ),
        (
            "section .text at 0xfffffffffffffffc does not fit into the address space",
            changed(&|elf| elf.section(".text").address = u64::MAX - 3),
        ),
        (
            "sections .text and alt_branches overlap at 0x4020001c",
            changed(&|elf| elf.section("alt_branches").address = elf::TEXT + 28),
        ),
        (
            "the image has no table of sites: neither sections or symbols named alt_branches and \
             alt_records, nor .altinstructions; it has been stripped",
            Elf::new(elf::linux().sections[..1].to_vec()).bytes(),
        ),
        (
            "the table alt_records has 35 bytes, which is not a multiple of 12",
            changed(&|elf| {
                let stop = elf.symbols.iter_mut();
                let mut stop = stop.filter(|symbol| symbol.0 == "__stop_alt_records");
                stop.next().unwrap().3 -= 1;
            }),
        ),
    ];
    for (message, bytes) in cases {
        folder.add("bad", bytes);
        for command in commands("bad") {
            let error = folder.refused(&command);
            assert!(error.starts_with("error: bad: "), "{command:?}: {error}");
            assert!(error.contains(message), "{command:?}: {error}");
        }
    }
}

/// Without a table of sites there is nothing to check but what its author demands.
#[test]
fn image_without_sites_is_checked_by_rules_of_its_author() {
    let folder = Folder::new();
    let mut elf = elf::linux();
    elf.sections.truncate(1);
    elf.symbols.clear();
    // The first word becomes a B to the ninth.
    elf.section(".text").bytes[..4].copy_from_slice(&0x1400_0008_u32.to_le_bytes());
    let text = elf.sections[0].address;
    elf.symbol("apart", 2, 1, text, 8);
    elf.symbol("main", 2, 1, text + 32, 16);
    folder.add("plain", elf.bytes());
    folder.add(
        "rules",
        "[[region]]\nname = \"apart\"\nsymbols = [\"apart\"]\nmay-reference = []\n",
    );
    folder.refused(&["verify", "plain"]);
    let output = folder.alt(&["verify", "plain", "--rules", "rules"]);
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{found}");
    let expected = "error[region-reference]: the region apart branches to main";
    assert!(found.starts_with(expected), "{found}");
    assert!(found.contains("1 finding: 0 sites, 0 records"), "{found}");
}

#[test]
fn images_that_cannot_be_patched() {
    let folder = Folder::new();
    let mut elf = elf::image();
    elf.section(".text").flags = elf::ALLOC;
    folder.add("no-text", elf.bytes());
    let mut elf = elf::image();
    // Cap 0x1fff, which no table has.
    elf.section("alt_branches").bytes[4..6].copy_from_slice(&[0xff, 0x1f]);
    folder.add("no-cap", elf.bytes());
    for (image, message) in [
        ("no-text", "the image has no executable section"),
        ("no-cap", "demo::main: "),
    ] {
        for command in &commands(image)[5..] {
            let error = folder.refused(command);
            assert!(error.contains(message), "{command:?}: {error}");
        }
    }
}

#[test]
fn files_that_are_not_there() {
    let folder = Folder::new();
    for command in commands("none") {
        let error = folder.refused(&command);
        assert!(error.starts_with("error: none: "), "{error}");
    }
    // A folder is no file either.
    for command in commands(".") {
        assert!(folder.refused(&command).starts_with("error: .: "));
    }
    let system = |more: &[&'static str]| {
        let apply = ["apply", "good", "-o", "out"];
        folder.refused(&[&apply, more].concat())
    };
    for more in [
        &["--caps", "1", "--callbacks", "none"][..],
        &["--caps", "1", "--cpucaps", "none"],
        &["--ids", "none"],
    ] {
        assert!(system(more).starts_with("error: none: "), "{more:?}");
    }
    let seal = ["verify", "good", "--seal", "none"];
    assert!(folder.refused(&seal).starts_with("error: none: "));
}

#[test]
fn other_files_with_mistakes() {
    let folder = Folder::new();
    folder.add("ids", "MIDR_EL1=0x410fd034\nID_AA64FOO_EL1=0x1\n");
    folder.add("caps.toml", "[LSE]\nscope = \"sytem\"\n");
    folder.add("answers", "\nmain = 1\n");
    folder.add("seal", "{}");
    folder.add("binary", [0xff, 0xfe, 0]);
    let apply = |more: &[&'static str], message: &str| {
        let apply = ["apply", "good", "-o", "out"];
        let error = folder.refused(&[&apply, more].concat());
        assert!(error.contains(message), "{more:?}: {error}");
    };
    apply(
        &["--ids", "ids"],
        "ids:2: unknown ID register `ID_AA64FOO_EL1`",
    );
    apply(&["--ids", "binary"], "binary: ");
    apply(
        &["--caps", "1", "--cpucaps", "caps.toml"],
        "caps.toml:2:9: ",
    );
    apply(
        &["--caps", "1", "--callbacks", "answers"],
        "answers: line 2: `main` must be a list",
    );
    apply(
        &["--caps", "1,FOO"],
        "there is no cpucap FOO: there are A, B, C, D, E",
    );
    apply(&["--cpu", "pentium"], "no built-in CPU `pentium`");
    let error = folder.refused(&["verify", "good", "--seal", "seal"]);
    assert!(error.contains("seal: not a seal: "), "{error}");
    let diff = ["diff", "good", "--caps", "1", "--dump", "dump", "--base"];
    let error = folder.refused(&[&diff[..], &["0xffffffffffffffff"]].concat());
    assert!(error.contains("has no byte of the text"), "{error}");
}

/// What cannot be written is no success either.
#[test]
fn output_that_cannot_be_written() {
    let folder = Folder::new();
    let to = Path::new("no").join("folder");
    let to = to.to_str().unwrap();
    for command in [
        &["apply", "good", "--caps", "1", "-o", to][..],
        &["seal", "good", "-o", to],
    ] {
        let error = folder.refused(command);
        assert!(error.contains(to), "{error}");
    }
}
