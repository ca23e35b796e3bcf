//! Images with Linux's records.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use test_support::{Cross, Image, workspace};

use crate::fixture::{NOP, file_with, poke, word};
use crate::linux;
use crate::run::{Ran, alt};

/// In the order of the numbers that records.s asks for.
const NAMES: &str = "\
    # As Linux has it.\n\
    \n\
    ALWAYS_BOOT\n\
    HAS_PAN\n\
    # in between\n\
    HAS_LSE_ATOMICS\n\
    HAS_CRC32\n\
    HAS_ARMv8_4_TTL\n\
    HAS_LSE2\n";

const LAST_LINE: &str = "applied 13 of 16 records, 1 callbacks left\n";

struct Linux {
    dir: TempDir,
    image: Image,
}

impl Linux {
    fn new(test: &str) -> Option<Self> {
        let cross = Cross::new(test)?;
        let dir = TempDir::new().unwrap();
        let image = Image::open(&linux::records(&cross, dir.path())).unwrap();
        Some(Self { dir, image })
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().into()
    }

    fn output(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    fn apply(&self, arguments: &[&str]) -> Ran {
        let image = self.image.path().to_str().unwrap();
        let output = self.output();
        let output = output.to_str().unwrap();
        alt(["apply", image, "-o", output].iter().chain(arguments))
    }

    /// Whether the output is the image with what records.expect says; but for the words `other`.
    fn is_as_expected(&self, other: &[(u64, u32)]) {
        let applied = Image::open(&self.output()).unwrap();
        let mut sites = expected();
        for (address, word) in other {
            let site = sites.iter_mut().find(|(site, _)| site == address);
            site.expect("it is a site's").1 = *word;
        }
        for (address, expected) in &sites {
            let found = word(&applied, *address);
            assert_eq!(
                found, *expected,
                "{address:#x}: {found:08x}, expected {expected:08x}"
            );
        }
        assert!(
            applied.file() == file_with(&self.image, sites),
            "more than the sites has changed"
        );
    }
}

/// Address and word, as an assembler has them.
fn expected() -> Vec<(u64, u32)> {
    let path = workspace().join("linker/alt/tests/cli/linux/records.expect");
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let hex = |word: &str| u64::from_str_radix(word, 16).unwrap();
    let words = lines.flat_map(|line| {
        let (line, _) = line.split_once('#').unwrap();
        let mut fields = line.split_whitespace();
        let site = hex(fields.nth(1).unwrap());
        let words: Vec<_> = fields.map(|word| hex(word) as u32).collect();
        (site..).step_by(4).zip(words).collect::<Vec<_>>()
    });
    let words: Vec<_> = words.collect();
    assert!(words.len() > 16);
    words
}

#[test]
fn every_site_becomes_what_the_assembler_says() {
    let Some(linux) = Linux::new("every_site_becomes_what_the_assembler_says") else {
        return;
    };
    let left = "left 0xffff800080010060 other: callback another_callback\n";
    assert_eq!(
        linux.apply(&["--caps", "1,2,3"]).clean(),
        format!("{left}{LAST_LINE}")
    );
    linux.is_as_expected(&[]);
    // By names, and mixed; the file has blanks in its name.
    let names = linux.write("the names", NAMES);
    let cpucaps = ["--cpucaps", &names, "--caps"];
    for list in ["HAS_PAN,HAS_LSE_ATOMICS,HAS_CRC32", "3, HAS_PAN ,2"] {
        let out = linux.apply(&[&cpucaps[..], &[list]].concat()).clean();
        assert!(out.ends_with(LAST_LINE), "{out}");
        linux.is_as_expected(&[]);
    }
    // Once more.
    let applied = linux.output();
    let applied = applied.to_str().unwrap();
    alt(["apply", applied, "--caps", "1,2,3", "-o", applied]).clean();
    linux.is_as_expected(&[]);
}

#[test]
fn a_callback_is_answered() {
    let Some(linux) = Linux::new("a_callback_is_answered") else {
        return;
    };
    // movz x4, #9; the movk as they were; by name of the function and by place.
    for name in ["another_callback", "other"] {
        let answers = format!("{name} = [0xd2800124, [0, 0xffffffff], [0, 0xffffffff]]");
        let answers = linux.write("answers.toml", &answers);
        let out = linux.apply(&["--caps", "1,2,3", "--callbacks", &answers]);
        assert_eq!(out.clean(), "applied 14 of 16 records, 0 callbacks left\n");
        linux.is_as_expected(&[(0xffff_8000_8001_0060, 0xd280_0124)]);
    }
}

/// An entry of a TOML file with a condition of one field.
fn entry(name: &str, field: &str, min: u32) -> String {
    format!(
        "[{name}]\ndoc = \"x\"\nscope = \"system\"\nkind = \"feature\"\n\
         detect = {{ field = \"{field}\", min = {min} }}\n"
    )
}

#[test]
fn rules_and_numbers_come_from_two_files() {
    let Some(linux) = Linux::new("rules_and_numbers_come_from_two_files") else {
        return;
    };
    let lse = entry("HAS_LSE_ATOMICS", "ID_AA64ISAR0_EL1.Atomic", 2);
    let pan = entry("HAS_PAN", "ID_AA64MMFR1_EL1.PAN", 1);
    let crc = entry("HAS_CRC32", "ID_AA64ISAR0_EL1.CRC32", 1);
    let lse2 = entry("HAS_LSE2", "ID_AA64MMFR2_EL1.AT", 1);
    let names = linux.write("cpucaps", NAMES);
    let a76 = ["--cpu", "cortex-a76"];
    let both = |rules: &str, more: &[&str]| {
        let rules = linux.write("rules.toml", rules);
        let files = ["--cpucaps", &names, "--cpucaps", &rules];
        linux.apply(&[&files[..], &a76, more].concat())
    };
    linux.apply(&a76).refused(&[
        "--caps",
        "arch/arm64/tools/cpucaps or asm/cpucaps.h by --cpucaps",
    ]);
    // The conditions of Linux's names are known. There is no HAS_LSE2 in Linux.
    let list = [&["--cpucaps", &names][..], &a76].concat();
    linux
        .apply(&list)
        .refused(&["there is no entry for HAS_LSE2\n", "--assume"]);
    let out = linux
        .apply(&[&list[..], &["--assume", "!*"]].concat())
        .clean();
    assert!(out.ends_with(LAST_LINE), "{out}");
    linux.is_as_expected(&[]);
    let header = "#define ARM64_ALWAYS_BOOT 0\n#define ARM64_HAS_PAN 1\n\
        #define ARM64_HAS_LSE_ATOMICS 2\n#define ARM64_HAS_CRC32 3\n\
        #define ARM64_HAS_ARMv8_4_TTL\t4\n#define ARM64_HAS_LSE2 5\n#define ARM64_NCAPS 6\n";
    let header = linux.write("cpucaps.h", header);
    let list = [&["--cpucaps", &header, "--assume", "!*"][..], &a76].concat();
    let out = linux.apply(&list).clean();
    assert!(out.ends_with(LAST_LINE), "{out}");

    // Names with small letters are Linux's.
    let ttl = entry("HAS_ARMv8_4_TTL", "ID_AA64MMFR2_EL1.TTL", 1);
    both(&[&crc[..], &lse2, &pan, &lse, &ttl].concat(), &[]).clean();
    // In another order than the numbers. Cortex-A76 has all but FEAT_LSE2.
    let all = [&crc[..], &lse2, &pan, &lse].concat();
    both(&all, &[]).refused(&["there is no entry for HAS_ARMv8_4_TTL\n", "--assume"]);
    for assumed in ["!HAS_ARMv8_4_TTL", "!*"] {
        let out = both(&all, &["--assume", assumed]).clean();
        assert!(out.ends_with(LAST_LINE), "{out}");
        linux.is_as_expected(&[]);
    }
    let out = both(
        &all,
        &["--assume", "!*", "--cmdline", "id_aa64isar0.crc32=0"],
    )
    .clean();
    assert!(!out.ends_with(LAST_LINE), "{out}");
    both(&[&pan[..], &lse].concat(), &[]).refused(&["HAS_CRC32, HAS_ARMv8_4_TTL, HAS_LSE2"]);
    let wrong = entry("HAS_LSE_ATOMIC", "ID_AA64ISAR0_EL1.Atomic", 2);
    both(&wrong, &[]).refused(&[
        "[HAS_LSE_ATOMIC]",
        "of 6, the nearest are HAS_LSE_ATOMICS, ",
    ]);

    // A TOML file alone counts for itself: so in the order of the numbers.
    let always =
        "[ALWAYS_BOOT]\ndoc = \"x\"\nscope = \"boot\"\nkind = \"feature\"\ndetect = \"always\"\n";
    let ttl = entry("HAS_TTL", "ID_AA64MMFR2_EL1.TTL", 1);
    let whole = linux.write(
        "whole.toml",
        &[always, &pan, &lse, &crc, &ttl, &lse2].concat(),
    );
    let out = linux
        .apply(&[&["--cpucaps", &whole][..], &a76].concat())
        .clean();
    assert!(out.ends_with(LAST_LINE), "{out}");
    linux.is_as_expected(&[]);

    let three = ["--cpucaps", &whole, "--cpucaps", &whole, "--caps", ""];
    linux
        .apply(&three)
        .refused(&["2 files of cpucaps were given"]);
}

#[test]
fn a_kernel_is_started_at_el2() {
    let Some(linux) = Linux::new("a_kernel_is_started_at_el2") else {
        return;
    };
    let names = linux.write("cpucaps", NAMES);
    let rules = linux.write(
        "rules.toml",
        &[
            entry("HAS_PAN", "CurrentEL.EL", 2),
            entry("HAS_LSE_ATOMICS", "HCR_EL2.E2H", 1),
            entry("HAS_CRC32", "ID_AA64PFR0_EL1.EL2", 1),
        ]
        .concat(),
    );
    let given = ["--cpucaps", &names, "--cpucaps", &rules, "--assume", "!*"];
    let apply = |more: &[&str]| linux.apply(&[&given[..], more].concat());
    let text = |more: &[&str]| {
        let out = apply(more).clean();
        (out, fs::read(linux.output()).unwrap())
    };
    for (cpu, option, present) in [
        ("cortex-a76", None, ""),
        (
            "cortex-a76",
            Some("--el2"),
            "HAS_PAN,HAS_LSE_ATOMICS,HAS_CRC32",
        ),
        (
            "cortex-a76",
            Some("--el2=vhe"),
            "HAS_PAN,HAS_LSE_ATOMICS,HAS_CRC32",
        ),
        ("cortex-a76", Some("--el2=no-vhe"), "HAS_PAN,HAS_CRC32"),
        ("cortex-a53", Some("--el2"), "HAS_CRC32"),
        ("cortex-a53", Some("--el2=no-vhe"), "HAS_PAN,HAS_CRC32"),
    ] {
        let arguments: Vec<&str> = ["--cpu", cpu].into_iter().chain(option).collect();
        let found = text(&arguments);
        let expected = linux.apply(&["--cpucaps", &names, "--caps", present]);
        let expected = (expected.clean(), fs::read(linux.output()).unwrap());
        assert!(
            found == expected,
            "{arguments:?}: {} or {}",
            found.0,
            expected.0
        );
    }
    apply(&["--cpu", "cortex-a76", "--el2=hyp"]).refused(&["'hyp'", "vhe, no-vhe"]);
    apply(&["--caps", "", "--el2"]).refused(&["--el2"]);
}

#[test]
fn a_list_of_names_must_be_one() {
    let Some(linux) = Linux::new("a_list_of_names_must_be_one") else {
        return;
    };
    let names = |text: &str, caps: &str| {
        let names = linux.write("names", text);
        linux.apply(&["--cpucaps", &names, "--caps", caps])
    };
    names("[LSE]\n", "0").refused(&["names: line 1: `[LSE]` is not the name", "tools/cpucaps"]);
    names("#define ARM64_NCAPS 2\n", "0").refused(&["names: the file has no names"]);
    names("A\nA\n", "0").refused(&["names: line 2: A or its number is in the list already"]);
    names(NAMES, "LSE").refused(&["of 6, the nearest are HAS_LSE_ATOMICS, HAS_LSE2, "]);
    names(NAMES, "6").refused(&["from 0 (ALWAYS_BOOT) to 5 (HAS_LSE2)"]);
    // The list of another kernel: a record asks for a number that it has not.
    names("A\nB\nC\n", "0").refused(&["there is no such cpucap"]);
    linux
        .apply(&["--caps", "HAS_PAN"])
        .refused(&["the number of HAS_PAN", "--cpucaps"]);
    linux
        .apply(&["--caps", "256"])
        .refused(&["no cpucap 256: numbers go from 0 to 255"]);
    let bad = linux.write("bad.toml", "[LSE]\n");
    linux
        .apply(&["--cpucaps", &bad, "--caps", "0"])
        .refused(&["bad.toml:1:"]);
    linux
        .apply(&["--cpucaps", "not there", "--caps", "0"])
        .refused(&["not there: No such file"]);
}

#[test]
fn formats_are_recognised_or_given() {
    let Some(linux) = Linux::new("formats_are_recognised_or_given") else {
        return;
    };
    let out = linux
        .apply(&["--caps", "1,2,3", "--format", "linux"])
        .clean();
    assert!(out.ends_with(LAST_LINE), "{out}");
    linux
        .apply(&["--caps", "1", "--format", "elf"])
        .refused(&["[possible values: alt, linux]"]);
}

#[test]
fn a_dump_is_compared() {
    let Some(linux) = Linux::new("a_dump_is_compared") else {
        return;
    };
    let text = linux.image.section(".text").unwrap().range.clone();
    let len = usize::try_from(text.end - text.start).unwrap();
    let mut memory = linux.image.bytes(text.start, len).unwrap().to_vec();
    for (address, word) in expected() {
        if text.contains(&address) {
            poke(&mut memory, text.start, address, word);
        }
    }
    // What the callback has made is not judged.
    poke(&mut memory, text.start, 0xffff_8000_8001_0060, NOP);
    let diff = |memory: &[u8]| {
        let dump = linux.dir.path().join("memory");
        fs::write(&dump, memory).unwrap();
        let image: &Path = linux.image.path();
        let (image, dump) = (image.to_str().unwrap(), dump.to_str().unwrap());
        let base = format!("{:#x}", text.start);
        alt([
            "diff", image, "--caps", "1,2,3", "--dump", dump, "--base", &base,
        ])
    };
    let out = diff(&memory).clean();
    assert!(out.contains("; 1 callback not judged"), "{out}");
    poke(&mut memory, text.start, 0xffff_8000_8001_0004, NOP);
    let out = diff(&memory).found();
    assert!(out.starts_with("site 0xffff800080010004 plain\n"), "{out}");
}
