//! The site macros in assembly make the records that those in Rust make, by LLVM's
//! assembler and by GNU as.

mod at_site;
mod lto;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use test_support::skip;

use crate::relocatable::{Kind, Record, Relocatable};
use test_support::{Cross, workspace};

/// Site, condition word, and what the record says of the replacement, all by hand:
/// the words are those of the Arm ARM, C6.2 HINT, and bits 13 to 15 of a condition are
/// AND, NOT and the kind.
const EXPECTED: [(&str, u16, &str); 16] = [
    ("branches", 3, "branch"),
    ("branches", 4 | NOT, "branch"),
    ("branches", 5 | KIND, "branch"),
    ("branches", 6 | NOT | KIND, "branch"),
    ("many", 3 | AND, "2: yield"),
    ("many", 4 | AND | NOT, "2: yield"),
    ("many", 255, "2: yield"),
    ("many", 5 | NOT, "2: wfe sev"),
    ("many", 6 | KIND, "2: nops"),
    ("many", 7 | KIND, "2: callback"),
    ("many", 8, "2: sev"),
    ("near", 3, "1: cbz"),
    ("near", 4, "1: tbz"),
    ("one", 3, "1: yield"),
    ("two", 3 | NOT | KIND, "1: nops"),
    ("two", 4 | NOT | KIND, "1: callback"),
];

const AND: u16 = 1 << 13;
const NOT: u16 = 1 << 14;
const KIND: u16 = 1 << 15;

const GNU: &str = "aarch64-linux-gnu-as";

/// Whether GNU as is installed; reports that `test` is skipped for it if not.
fn gnu_is_there(test: &str) -> bool {
    !skip::without_binutils(test, GNU)
}

/// A folder of this test's own, with what `.S` files include.
fn folder(test: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("alternative.s"), alt_runtime::ASM_MACROS).unwrap();
    let numbers = ["LSE", "VHE", "HCX", "MTE", "UAO"];
    let numbers = (0..).zip(numbers);
    let numbers: String = numbers
        .map(|(number, name): (u32, _)| format!(".equ CAP_{name}, {number}\n"))
        .collect();
    fs::write(dir.join("cpucaps.inc"), numbers).unwrap();
    dir
}

/// Assembles a text with GNU as, in `dir`.
fn assemble(dir: &Path, text: &str) -> Output {
    let source = dir.join("text.S");
    fs::write(&source, text).unwrap();
    Command::new(GNU)
        .current_dir(dir)
        .args([source.as_os_str(), OsStr::new("-o"), OsStr::new("gnu.o")])
        .output()
        .unwrap()
}

fn compile(cross: &Cross, emit: &str, source: &Path, object: &Path, text: &str) -> Output {
    cross
        .rustc()
        .args(["--crate-type=lib", &format!("--emit={emit}"), "-o"])
        .arg(object)
        .arg(source)
        .env("TEXT", text)
        .output()
        .unwrap()
}

fn fixture(name: &str) -> PathBuf {
    workspace()
        .join("alt-runtime/tests/accept/assembly")
        .join(name)
}

fn describe(record: &Record) -> String {
    let names = |words: &[u32]| words.iter().map(|&word| name(word)).collect::<Vec<_>>();
    match &record.kind {
        Kind::Branch { .. } => "branch".into(),
        Kind::Alternative {
            site_len,
            replacement,
        } => format!("{site_len}: {}", names(replacement).join(" ")),
        Kind::Callback { site_len, symbol } => format!("{site_len}: {symbol}"),
        Kind::Nops { site_len } => format!("{site_len}: nops"),
    }
}

/// The instructions of the fixture, by the Arm ARM's encodings (C6.2).
fn name(word: u32) -> &'static str {
    match word {
        0xd503_203f => "yield",
        0xd503_205f => "wfe",
        0xd503_209f => "sev",
        0xb400_0000..=0xb4ff_ffff => "cbz",
        0x3600_0000..=0x36ff_ffff => "tbz",
        _ => panic!("{word:#010x} is not in the fixture"),
    }
}

#[track_caller]
fn judge(object: &Path, who: &str) {
    let file = fs::read(object).unwrap();
    let object = Relocatable::parse(&file);
    let records: Vec<_> = object
        .records()
        .iter()
        .map(|record| (record.function.clone(), record.condition, describe(record)))
        .collect();
    let expected: Vec<_> = EXPECTED
        .iter()
        .map(|&(function, condition, kind)| (function.to_owned(), condition, kind.to_owned()))
        .collect();
    assert_eq!(records, expected, "{who}");
    // Arms of short reach are after their function, others are not.
    let replacements = object.bytes_of("alt_replacements");
    assert_eq!(replacements, 4 * 5, "{who}");
    let room = object.bytes_of("alt_plan_size");
    assert_eq!(room, 12 * (1 + 2 + 1 + 4 + 2), "{who}");
}

#[test]
fn records_are_those_of_the_rust_macros() {
    let test = "records_are_those_of_the_rust_macros";
    let dir = folder(test);
    if gnu_is_there(test) {
        let sites = fs::read_to_string(fixture("sites.s")).unwrap();
        // Twice, as two files of headers may do.
        let text = ".include \"alternative.s\"\n".repeat(2) + &sites;
        let output = assemble(&dir, &text);
        assert!(output.status.success(), "{output:?}");
        judge(&dir.join("gnu.o"), "GNU as");
    }
    let Some(cross) = Cross::new(test) else {
        return;
    };
    for source in ["rust.rs", "global.rs"] {
        let object = dir.join(source).with_extension("o");
        let output = compile(&cross, "obj", &fixture(source), &object, "");
        assert!(output.status.success(), "{output:?}");
        judge(&object, source);
    }
}

/// A branch record holds the distance from its site, forward and back.
#[test]
fn branches_go_to_their_labels() {
    let test = "branches_go_to_their_labels";
    let dir = folder(test);
    let mut objects = Vec::new();
    let sites = fs::read_to_string(fixture("sites.s")).unwrap();
    if gnu_is_there(test) {
        let output = assemble(&dir, &format!(".include \"alternative.s\"\n{sites}"));
        assert!(output.status.success(), "{output:?}");
        objects.push(dir.join("gnu.o"));
    }
    if let Some(cross) = Cross::new(test) {
        let object = dir.join("llvm.o");
        let output = compile(&cross, "obj", &fixture("global.rs"), &object, "");
        assert!(output.status.success(), "{output:?}");
        objects.push(object);
    }
    for object in objects {
        let file = fs::read(&object).unwrap();
        let object = Relocatable::parse(&file);
        let branches: Vec<_> = object
            .records()
            .iter()
            .filter_map(|record| match record.kind {
                Kind::Branch { displacement } => Some((record.offset, displacement)),
                _ => None,
            })
            .collect();
        assert_eq!(branches, [(4, -1), (8, 3), (12, -3), (16, 1)]);
        // nop; nop; nop; b .-12; b .+4; ret
        assert_eq!(
            object.code("branches").words,
            [
                0xd503_201f,
                0xd503_201f,
                0xd503_201f,
                0x17ff_fffd,
                0x1400_0001,
                0xd65f_03c0
            ]
        );
    }
}

/// A mistake, and what both assemblers must say of it.
const MISTAKES: [(&str, &str); 15] = [
    (
        "alternative_begin\nnop\nalternative_arm 3\nnop\nisb\nalternative_end",
        "this arm is longer than the default: pad the default with `nop`, or shorten the arm",
    ),
    (
        "alternative_begin near\nnop\nalternative_arm 3\nnop\nisb\nalternative_end",
        "the arm has 2 instructions, the default 1",
    ),
    (
        "alternative_begin\nnop\nalternative_arm 3\nalternative_end",
        "no instruction of this arm was assembled: an instruction of an extension needs `.arch_extension` before it; to do nothing write `nop`",
    ),
    (
        "alternative_begin\nnop\nalternative_arm 3\n.byte 1\nalternative_end",
        "this arm is not made of whole instructions: move data elsewhere",
    ),
    (
        "alternative_begin\nalternative_arm 3\nnop\nalternative_end",
        "no instruction of the default was assembled: the default runs until the patch and wherever no arm applies; to do nothing write `nop`",
    ),
    (
        "alternative_begin\n.byte 1\nalternative_arm 3\nnop\nalternative_end",
        "the default is not made of whole instructions: move data elsewhere",
    ),
    (
        "alternative_begin\n.rept 256\nnop\n.endr\nalternative_nops 3\nalternative_end",
        "the default has more than the 255 instructions of a site: move them into a function and make the site a branch",
    ),
    (
        "alternative_begin\nnop\nalternative_end",
        "alternative_end: there is no arm: add `alternative_arm CAP` and instructions",
    ),
    (
        "alternative_begin\nnop\nalternative_begin",
        "alternative_begin: the site before has no alternative_end; sites do not nest",
    ),
    (
        "alternative_begin far\nnop\nalternative_nops 3\nalternative_end",
        "alternative_begin: say `near`, or nothing",
    ),
    (
        "alternative_begin\nnop\nalternative_nops 3\nnop\nalternative_end",
        "the instructions after alternative_nops or alternative_cb belong to no arm",
    ),
    (
        "alternative_arm 3",
        "alternative_arm: there is no alternative_begin",
    ),
    (
        "alternative_nops 3\nalternative_cb 3, callback",
        "alternative_cb: there is no alternative_begin",
    ),
    (
        "alternative_nops 3\nalternative_end",
        "alternative_end: there is no alternative_begin",
    ),
    (
        "alternative_begin\n1: nop\nalternative_arm 3\nbranch_if_cap 3, 1b\nalternative_end",
        "a branch on a cpucap cannot stand in a site",
    ),
];

#[test]
fn mistakes_are_explained() {
    let test = "mistakes_in_assembly_are_explained";
    let dir = folder(test);
    let gnu = gnu_is_there(test);
    let cross = Cross::new(test);
    for (text, message) in MISTAKES {
        if gnu {
            let output = assemble(&dir, &format!(".include \"alternative.s\"\n{text}\n"));
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{text}");
            assert!(error.contains(message), "GNU as: {text}: {error}");
        }
        if let Some(cross) = &cross {
            let output = compile(cross, "obj", &fixture("text.rs"), &dir.join("text.o"), text);
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{text}");
            assert!(error.contains(message), "rustc: {text}: {error}");
        }
    }
}

/// The code blocks of the document of this kind.
fn examples(kind: &str) -> Vec<String> {
    let document = fs::read_to_string(workspace().join("docs/assembly.md")).unwrap();
    document
        .split(&format!("\n```{kind}\n"))
        .skip(1)
        .map(|block| block.split("\n```\n").next().unwrap().to_owned() + "\n")
        .collect()
}

#[test]
fn examples_of_the_document_assemble() {
    let test = "examples_of_the_document_assemble";
    let dir = folder(test);
    let sites = |object: &Path| {
        let file = fs::read(object).unwrap();
        let records = Relocatable::parse(&file).records();
        records.iter().map(describe_short).collect::<Vec<_>>()
    };
    let files: [&[&str]; 2] = [
        &[
            "0: 1 of 2", // VHE, number 1
            "0: nops",
            "8: 1 of 1",
            "12: branch",
        ],
        &["4: 2 of 2"],
    ];
    let asm = examples("asm");
    assert_eq!(asm.len(), files.len());
    if gnu_is_there(test) {
        for (asm, expected) in asm.iter().zip(files) {
            let output = assemble(&dir, asm);
            assert!(output.status.success(), "{output:?}");
            assert_eq!(sites(&dir.join("gnu.o")), expected);
        }
    }
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let object = dir.join("llvm.o");
    let numbers = fs::read_to_string(dir.join("cpucaps.inc")).unwrap();
    for (asm, expected) in asm.iter().zip(files) {
        let text = asm.replace(".include \"cpucaps.inc\"", &numbers);
        let text = text.replace(".include \"alternative.s\"\n", "");
        let output = compile(&cross, "obj", &fixture("text.rs"), &object, &text);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(sites(&object), expected);
    }

    let rust = examples("rust");
    let expected: [&[&str]; 2] = [
        &["0: 1 of 2", "8: callback of 1"],
        &["0: 1 of 1", "0: 1 of 1", "4: branch"],
    ];
    assert_eq!(rust.len(), expected.len());
    for (text, expected) in rust.iter().zip(expected) {
        let source = dir.join("example.rs");
        fs::write(&source, format!("#![no_std]\n{text}")).unwrap();
        let output = compile(&cross, "obj", &source, &object, "");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(sites(&object), expected);
    }
}

fn describe_short(record: &Record) -> String {
    let kind = match &record.kind {
        Kind::Branch { .. } => "branch".into(),
        Kind::Alternative {
            site_len,
            replacement,
        } => format!("{} of {site_len}", replacement.len()),
        Kind::Callback { site_len, .. } => format!("callback of {site_len}"),
        Kind::Nops { .. } => "nops".into(),
    };
    format!("{}: {kind}", record.offset)
}
