//! The macros in binaries of several codegen units, with each kind of LTO.
//!
//! Before thin LTO, also that among the units of one crate which is the default, LLVM reads
//! assembly without laying it out: no length is known there. A library never gets that far.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use object::{Object, ObjectSection};
use test_support::Image;

use super::{EXPECTED, MISTAKES, assemble, compile, fixture, folder, gnu_is_there, judge};
use test_support::Cross;

const BUILDS: [&[&str]; 9] = [
    // Thin LTO among the units of the crate, the default of rustc.
    &["-Copt-level=2"],
    &["-Copt-level=2", "-Ccodegen-units=16"],
    &["-Copt-level=s", "-Ccodegen-units=16"],
    &["-Copt-level=3", "-Ccodegen-units=256"],
    &["-Copt-level=2", "-Clto=thin", "-Ccodegen-units=16"],
    &["-Copt-level=3", "-Clto=thin"],
    &["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=16"],
    &["-Copt-level=2", "-Clto=off", "-Ccodegen-units=16"],
    &["-Copt-level=0", "-Ccodegen-units=16"],
];

/// The records of `naked` and `rust` in `units.rs`: condition, length of the site, and the
/// words of the replacement, by the Arm ARM's encodings (C6.2 HINT).
const OWN: [(&str, u16, u8, &[u32]); 2] = [
    ("naked", 9, 2, &[0xd503_205f, 0xd503_209f]),
    ("rust", 10, 3, &[0xd503_203f, 0xd503_209f]),
];

/// Compiles and links `units.rs`.
fn link(cross: &Cross, image: &Path, flags: &[&str], text: &str) -> Output {
    let mut rustc = cross.rustc();
    rustc
        .args(["-Cpanic=abort", "-o"])
        .arg(image)
        .args(flags)
        .arg(fixture("units.rs"))
        .env("TEXT", text);
    rustc.output().unwrap()
}

/// A record of an image, from the bytes of its table.
struct Linked {
    function: String,
    condition: u16,
    /// Of the site and of the replacement; none of a branch.
    lengths: Option<(u8, u8)>,
    replacement: u64,
}

fn records(image: &Image) -> Vec<Linked> {
    let mut records = Vec::new();
    for (name, size) in [("alt_branches", 8), ("alt_records", 12)] {
        let table = image.section(name).unwrap();
        assert_eq!(table.bytes.len() % size, 0);
        let fields = table.bytes.chunks(size);
        for (at, bytes) in (table.range.start..).step_by(size).zip(fields) {
            let follow = |at: u64, field: &[u8]| {
                at.wrapping_add_signed(i32::from_le_bytes(field.try_into().unwrap()).into())
            };
            let condition = &bytes[size - 4..size - 2];
            records.push(Linked {
                function: image.place(follow(at, &bytes[..4])).unwrap().symbol,
                condition: u16::from_le_bytes(condition.try_into().unwrap()),
                lengths: (size == 12).then(|| (bytes[10], bytes[11])),
                replacement: follow(at + 4, &bytes[4..8]),
            });
        }
    }
    records
}

/// How many records each function has of each condition.
fn count<'a>(records: impl Iterator<Item = (&'a str, u16)>) -> BTreeMap<(&'a str, u16), usize> {
    records.fold(BTreeMap::new(), |mut all, record| {
        *all.entry(record).or_default() += 1;
        all
    })
}

#[test]
fn binaries_of_several_units_link() {
    let test = "binaries_of_several_units_link";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let path = folder(test).join("image");
    for flags in BUILDS {
        let output = link(&cross, &path, flags, "");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{flags:?}: {errors}");
        let image = Image::open(&path).unwrap();
        let records = records(&image);
        let of_sites = EXPECTED.map(|(function, condition, _)| (function, condition));
        let own = [("naked", 9), ("naked", 9), ("rust", 10)];
        assert_eq!(
            count(records.iter().map(|r| (r.function.as_str(), r.condition))),
            count(of_sites.into_iter().chain(own)),
            "{flags:?}"
        );
        for (function, condition, site, words) in OWN {
            let record = records
                .iter()
                .find(|r| r.function == function && r.lengths.is_some())
                .unwrap();
            assert_eq!(record.condition, condition, "{flags:?}");
            assert_eq!(record.lengths, Some((site, words.len() as u8)), "{flags:?}");
            let bytes = image.bytes(record.replacement, 4 * words.len()).unwrap();
            let expected: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            assert_eq!(bytes, expected, "{flags:?}");
        }
        // NOPs have no words, and a callback fills the site.
        for (_, condition, kind) in EXPECTED.iter().filter(|(function, ..)| *function == "many") {
            let record = records
                .iter()
                .find(|r| r.function == "many" && r.condition == *condition)
                .unwrap();
            let (site, replacement) = record.lengths.unwrap();
            let words = match *kind {
                "2: nops" => 0,
                "2: callback" => 2,
                text => text.split(' ').count() as u8 - 1,
            };
            assert_eq!((site, replacement), (2, words), "{flags:?}: {kind}");
        }
        // It is not loaded, and so no section of the image in memory.
        let bytes = fs::read(&path).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        assert_eq!(
            file.section_by_name("alt_plan_size").unwrap().size(),
            12 * (1 + 2 + 1 + 4 + 2 + 3 + 3),
            "{flags:?}"
        );
    }
}

/// What is wrong with a length is said when the object is made.
#[test]
fn mistakes_are_explained_in_a_binary() {
    let test = "mistakes_are_explained_in_a_binary";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let path = folder(test).join("image");
    for flags in [
        &["-Copt-level=2", "-Ccodegen-units=16"][..],
        &["-Copt-level=2", "-Clto=thin"],
    ] {
        // Of two errors outside a site only the first would be reported.
        let in_sites = MISTAKES
            .iter()
            .filter(|(text, _)| text.starts_with("alternative_begin"));
        for (text, message) in in_sites {
            let output = link(&cross, &path, flags, text);
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{flags:?}: {text}");
            assert!(error.contains(*message), "{flags:?}: {text}: {error}");
            assert!(!error.contains("absolute"), "{flags:?}: {text}: {error}");
        }
    }
}

/// `--emit=asm` has no lengths either; what it writes is checked when it is assembled.
#[test]
fn what_rustc_writes_is_still_checked() {
    let test = "what_rustc_writes_is_still_checked";
    let dir = folder(test);
    let Some(cross) = Cross::new(test) else {
        return;
    };
    if !gnu_is_there(test) {
        return;
    }
    let path = dir.join("written.s");
    let write = |source, text: &str| {
        let output = compile(&cross, "asm", &fixture(source), &path, text);
        assert!(output.status.success(), "{output:?}");
        assemble(&dir, &fs::read_to_string(&path).unwrap())
    };
    let output = write("global.rs", "");
    assert!(output.status.success(), "{output:?}");
    judge(&dir.join("gnu.o"), "rustc, then GNU as");
    let output = write("rust.rs", "");
    assert!(output.status.success(), "{output:?}");
    judge(
        &dir.join("gnu.o"),
        "rustc of the macros of Rust, then GNU as",
    );

    for (default, arm, ok) in [
        ("nop", "alternative_arm 3\nnop", true),
        ("nop", "alternative_arm 3\nnop\nisb", false),
        ("nop", "alternative_arm 3", false),
        ("nop", "alternative_arm 3\n.byte 1", false),
        ("", "alternative_nops 3", false),
        (".byte 1", "alternative_nops 3", false),
        (".rept 255\nnop\n.endr", "alternative_nops 3", true),
        (".rept 256\nnop\n.endr", "alternative_nops 3", false),
        ("nop", "alternative_nops 3\nnop", false),
    ] {
        let text = format!("alternative_begin\n{default}\n{arm}\nalternative_end");
        let output = write("text.rs", &text);
        assert_eq!(output.status.success(), ok, "{text}: {output:?}");
    }
    // The macros of Rust, which take no text from outside: a macro makes it up.
    for (default, arm, ok) in [
        ("nop", "nop", true),
        ("nop", "nop\nisb", false),
        ("nop", "", false),
        ("nop", ".byte 1", false),
        ("", "nop", false),
        (".byte 1", "nop", false),
        (".rept 255\nnop\n.endr", "nop", true),
        (".rept 256\nnop\n.endr", "nop", false),
    ] {
        let output = cross
            .rustc()
            .args(["--crate-type=lib", "--emit=asm", "-o"])
            .arg(&path)
            .arg(fixture("made_up.rs"))
            .envs([("DEFAULT", default), ("ARM", arm)])
            .output()
            .unwrap();
        assert!(output.status.success(), "{default}, {arm}: {output:?}");
        let output = assemble(&dir, &fs::read_to_string(&path).unwrap());
        assert_eq!(output.status.success(), ok, "{default}, {arm}: {output:?}");
    }
}
