//! Refusals and errors that the behaviours do not provoke.

use std::fs;

use alt_image::image::Image;
use alt_livepatch::archive::Build;
use alt_livepatch::diff::{self, Diff, Options};
use alt_livepatch::model::Model;
use alt_livepatch::payload::{self, PayloadBuildError};
use alt_runtime::livepatch::{EntryError, Payload, PayloadError};
use test_support::skip;

use super::support::{self, Built, Edit, Mode};

/// `fn bare` without instructions.
const EMPTY: Edit<'static> = ("kernel.rs", "\"mov x0, #1\", \"ret\"", "\"\"");

fn open(edits: &[Edit<'_>]) -> Build {
    Build::open(&Built::new(Mode::Off, edits, &[]).image()).unwrap()
}

/// Calls `check` with the difference of two builds.
fn compare<T>(old: &Build, new: &Build, check: impl FnOnce(&Diff<'_>) -> T) -> T {
    let (old, new) = (Model::of(old).unwrap(), Model::of(new).unwrap());
    check(&diff::diff(&old, &new, &Options::default()))
}

fn refusals(diff: &Diff<'_>) -> Vec<String> {
    let lines = diff.refusals().iter();
    lines
        .map(|refusal| format!("{}: {refusal}", refusal.code()))
        .collect()
}

/// The payload of a difference.
fn build(old: &Build, diff: &Diff<'_>) -> Result<Vec<u8>, PayloadBuildError> {
    let options = payload::Options {
        name: "test".to_owned(),
        ..payload::Options::default()
    };
    payload::build(old, diff, &options)
}

#[test]
fn references_and_data_that_a_payload_cannot_have_are_refused() {
    if skip::without_target("references_and_data_that_a_payload_cannot_have_are_refused") {
        return;
    }
    let edits = [
        // A read-only static becomes writable.
        (
            "kernel.rs",
            "static TABLE: [u32; 5]",
            "static mut TABLE: [u32; 5]",
        ),
        (
            "kernel.rs",
            "    *TABLE.get(at).unwrap_or(&0)\n",
            "    let table = &raw mut TABLE;\n    \
             unsafe { (*table)[at % 5] += 1; (*table)[at % 3] }\n",
        ),
        // A symbol that only the new linker script has.
        (
            "link.ld",
            "__checks_stop = .;",
            "__checks_stop = .; __added = .;",
        ),
        (
            "kernel.rs",
            "    STATE.first.fetch_add(by",
            "    unsafe extern \"C\" { static __added: u32; }\n    \
             unsafe { (&raw const __added).read_volatile() };\n    STATE.first.fetch_add(by",
        ),
        // R_AARCH64_MOVW_UABS_G0_NC (AAELF64, 5.7.6).
        (
            "kernel.rs",
            "    by * 3\n",
            "    let low: u64;\n    \
             unsafe { asm!(\"movz {}, #:abs_g0_nc:__checks_start\", out(reg) low) };\n    \
             by * low as u32\n",
        ),
        // Writable data without a symbol.
        (
            "kernel.rs",
            "    list[at]\n",
            "    unsafe { asm!(\".pushsection .data,\\\"aw\\\"\", \"22: .quad 1\", \".popsection\",\n    \
             \"adrp {0}, 22b\", out(reg) _) };\n    list[at]\n",
        ),
    ];
    let (old, new) = (open(&[EMPTY]), open(&edits));
    compare(&old, &new, |diff| {
        println!("{:#?}", diff.changes());
        assert_eq!(
            refusals(diff),
            [
                "mutability: kernel::TABLE is writable in one build and read-only in the other",
                "too-short: kernel::bare has 0 bytes, and 4 are needed to redirect it",
                "relocation: kernel::tock has a relocation of type 264, which the loader does not know",
                "missing: kernel::state refers to __added, which the old image does not have",
                "anonymous-data: kernel::element refers to writable data without a name (.data)",
            ]
        );
        let error = build(&old, diff).unwrap_err();
        assert!(matches!(&error, PayloadBuildError::Refused(_)), "{error}");
    });
}

/// The command says the same as `alt livepatch build`.
#[test]
fn records_that_the_loader_refuses_make_no_payload() {
    if skip::without_target("records_that_the_loader_refuses_make_no_payload") {
        return;
    }
    let old_built = Built::new(Mode::Off, &[], &[]);
    let old = Build::open(&old_built.image()).unwrap();
    let refused = |edit: Edit<'_>| {
        let built = Built::new(Mode::Off, &[edit], &[]);
        let new = Build::open(&built.image()).unwrap();
        let error = compare(&old, &new, |diff| build(&old, diff).unwrap_err());
        let outcome = support::diff(&old_built.image(), &built.image(), &[]);
        assert_eq!(outcome.status, 3, "{}", outcome.stderr);
        assert_eq!(outcome.lines().last().unwrap(), "refused[payload] ");
        assert_eq!(outcome.messages(), error.to_string());
        error
    };
    // A site without instructions.
    let error = refused(("kernel.rs", "\".byte 1, 1\"", "\".byte 0, 1\""));
    let is_empty_site = matches!(
        error,
        PayloadBuildError::Loader(PayloadError::Entry {
            error: EntryError::EmptySite,
            ..
        })
    );
    assert!(is_empty_site, "{error:?}");
    // A table that the linker orders by its sites, and that payloads do not have.
    let table =
        "\".pushsection more_records,\\\"ao\\\",@progbits,.Lsite\", \".word 1\", \".popsection\",";
    let site = "            \".Lsite:\",";
    let error = refused(("kernel.rs", site, &format!("{site}{table}")));
    let PayloadBuildError::Section { name, section } = &error else {
        panic!("{error:?}");
    };
    assert!(name.ends_with("barrier"), "{error}");
    assert_eq!(section, "more_records");
}

#[test]
fn images_that_cannot_be_compared_are_refused() {
    if skip::without_target("images_that_cannot_be_compared_are_refused") {
        return;
    }
    let built = Built::new(Mode::Off, &[], &[]);
    let old = Build::open(&built.image()).unwrap();
    let with = |bytes: Vec<u8>| {
        let mut new = Build::open(&built.image()).unwrap();
        new.image = Image::parse(bytes).unwrap();
        compare(&old, &new, refusals)
    };
    // The names of the sections are in the file once each.
    let mut bytes = fs::read(built.image()).unwrap();
    let names = b".debug_";
    let mut at = 0;
    while let Some(next) = bytes[at..]
        .windows(names.len())
        .position(|window| window == names)
    {
        at += next;
        bytes[at + 1] = b'x';
    }
    assert_eq!(
        with(bytes),
        ["no-debug-information: the new image has no debug information"]
    );
    let units = Built::not_kept(&["-Ccodegen-units=4"]);
    let found = with(fs::read(units.image()).unwrap());
    // The compiler makes as many as it sees fit.
    let several = |line: &String| line.starts_with("codegen-units: the crate kernel has ");
    assert!(found.iter().any(several), "{found:#?}");
}

/// R_AARCH64_ABS16: the linker writes the value of a symbol, here the number of a cpucap.
#[test]
fn numbers_that_are_symbols_are_compared_by_value() {
    if skip::without_target("numbers_that_are_symbols_are_compared_by_value") {
        return;
    }
    let edit = ("kernel.rs", "\".hword 7\"", "\".hword number_of_cap\"");
    let script = |number: &'static str| ("link.ld", "ENTRY(_start)\n", number);
    let old = open(&[]);
    let same = open(&[edit, script("ENTRY(_start)\nnumber_of_cap = 7;\n")]);
    compare(&old, &same, |diff| {
        assert!(!diff.is_functional(), "{:?}", diff.changes())
    });
    let other = open(&[edit, script("ENTRY(_start)\nnumber_of_cap = 0x1b8;\n")]);
    let file = compare(&old, &other, |diff| {
        let changes: Vec<_> = diff.changes().iter().map(|change| &*change.name).collect();
        assert_eq!((changes, refusals(diff)), (vec!["kernel::barrier"], vec![]));
        build(&old, diff).unwrap()
    });
    let payload = Payload::parse(&file).unwrap();
    let records = payload.header().alternatives;
    assert_eq!(records.len, 1);
    // Site and replacement come first.
    let record = payload.bytes_at(records.start).unwrap();
    assert_eq!(record[8..10], 0x1b8_u16.to_le_bytes());
}
