//! Calls of outline atomics become sites: in objects, in archives, around other sites; what stays
//! and why; and the helpers of the toolchain and of alt-runtime.

mod helpers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use alt_linker::atomics::{AtomicsError, Reason, prepare};
use tempfile::TempDir;
use test_support::{Image, Linker, TARGET, rustc, skip, with_outlined_calls, workspace};

const FIXTURES: &str = "linker/link/tests/atomics/fixtures";

/// Assembles a text by rustc.
fn assemble(dir: &Path, name: &str, text: &str) -> PathBuf {
    let source = dir.join(format!("{name}.rs"));
    let object = dir.join(format!("{name}.o"));
    let rust = "#![no_std]\n#![no_main]\ncore::arch::global_asm!(include_str!(\"NAME.s\"), options(raw));\n";
    fs::write(&source, rust.replace("NAME", name)).unwrap();
    fs::write(dir.join(format!("{name}.s")), text).unwrap();
    let output = rustc()
        .args([
            "--edition=2024",
            "--crate-type=lib",
            "--emit=obj",
            "--target",
            TARGET,
            "-o",
        ])
        .args([&object, &source])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    object
}

fn fixture(dir: &Path, name: &str) -> PathBuf {
    assemble(dir, name, &text(name))
}

fn text(name: &str) -> String {
    let path = workspace().join(FIXTURES).join(format!("{name}.s"));
    let text = fs::read_to_string(path).unwrap();
    match name {
        "calls" => with_outlined_calls(&text),
        _ => text,
    }
}

fn link(inputs: &[PathBuf], linker: Linker, arguments: &[&str]) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    let image = dir.path().join("image");
    let mut command: Command = linker.command();
    command.args(arguments).arg("-o").arg(&image).args(inputs);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::read(image).unwrap()
}

/// The inputs with those that were rewritten.
fn rewritten(inputs: &[PathBuf], dir: &Path) -> (Vec<PathBuf>, alt_linker::atomics::Report) {
    let prepared = prepare(inputs, &dir.join("new")).unwrap();
    let new = inputs.iter().map(|input| {
        let mut replaced = prepared.replaced.iter();
        replaced
            .find(|(old, _)| old == input)
            .map_or(input, |(_, new)| new)
            .clone()
    });
    (new.collect(), prepared.report)
}

/// The sites of the records in an image, their replacements, cpucaps and lengths.
fn records(image: &Image) -> Vec<(u64, u64, u16, [u8; 2])> {
    let section = image.section("alt_records").unwrap();
    let records = section
        .bytes
        .chunks_exact(12)
        .zip((section.range.start..).step_by(12));
    records
        .map(|(bytes, at)| {
            let field = |from: usize| i32::from_le_bytes(bytes[from..from + 4].try_into().unwrap());
            let site = at.wrapping_add_signed(field(0).into());
            let replacement = (at + 4).wrapping_add_signed(field(4).into());
            let cap = u16::from_le_bytes([bytes[8], bytes[9]]);
            (site, replacement, cap, [bytes[10], bytes[11]])
        })
        .collect()
}

fn open(dir: &Path, bytes: &[u8]) -> Image {
    let path = dir.join("linked");
    fs::write(&path, bytes).unwrap();
    Image::open(&path).unwrap()
}

#[test]
fn calls_become_sites_in_address_order() {
    let test = "calls_become_sites_in_address_order";
    if skip::without_target(test) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let inputs = ["calls", "helpers"].map(|name| fixture(dir.path(), name));
    let (inputs, report) = rewritten(&inputs, dir.path());
    assert_eq!(report.sites, 6);
    for linker in Linker::installed(test) {
        let image = link(&inputs, *linker, &["--gc-sections", "--emit-relocs"]);
        let image = open(dir.path(), &image);
        let found = records(&image);
        assert!(found.is_sorted_by_key(|record| record.0), "{found:x?}");
        let symbol = |name| image.symbol(name).unwrap();
        let (sorted, plain, left) = (symbol("sorted"), symbol("plain"), symbol("left"));
        let add = symbol("__alt_atomic_ldadd8_relax");
        let swap = symbol("__alt_atomic_swp4_acq");
        let call = |site, word| (site, word, 14, [1, 1]);
        for expected in [
            call(sorted, add),
            call(sorted + 12, swap),
            call(sorted + 20, add),
            call(sorted + 24, add),
            call(plain, swap),
        ] {
            assert!(found.contains(&expected), "{expected:x?} in {found:x?}");
        }
        // Those of the fixture itself; the record of the unused function is gone.
        let others: Vec<_> = found.iter().filter(|record| record.2 != 14).collect();
        let sites: Vec<_> = others.iter().map(|record| record.0).collect();
        let mut expected = [sorted + 4, sorted + 16, left + 4];
        expected.sort_unstable();
        assert_eq!(sites, expected);
        assert_eq!(found.len(), 5 + 3, "{found:x?}");
    }
}

#[test]
fn what_stays_is_said_with_its_reason() {
    if skip::without_target("what_stays_is_said_with_its_reason") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let inputs = ["calls", "helpers"].map(|name| fixture(dir.path(), name));
    let (_, report) = rewritten(&inputs, dir.path());
    let reasons: Vec<_> = report.left.iter().map(|left| left.reason.clone()).collect();
    let expected = [
        Reason::TailCall,
        Reason::InsideSite,
        Reason::Addend(4),
        Reason::Relocation(275),
        Reason::NoHelper,
        Reason::NoCall,
        Reason::InPatcher,
    ];
    assert_eq!(reasons, expected);
    let lines = report.lines().join("\n");
    for text in [
        "1 left alone: a tail call",
        "1 left alone: inside another site",
        "calls.o(.text.left+0xc): __aarch64_swp4_acq: the relocation has the addend 4",
        "the relocation is of type 275, not R_AARCH64_CALL26",
        "__aarch64_ldclr1_rel: its replacement is not in the link",
        "the word is no BL",
    ] {
        assert!(lines.contains(text), "{text:?} in\n{lines}");
    }
}

#[test]
fn an_archive_stays_an_archive() {
    let test = "an_archive_stays_an_archive";
    if skip::without_target(test) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("archived.rs");
    fs::write(dir.path().join("archived.s"), text("calls")).unwrap();
    let rust = "#![no_std]\ncore::arch::global_asm!(include_str!(\"archived.s\"), options(raw));\n";
    fs::write(&source, rust).unwrap();
    let rlib = dir.path().join("libarchived.rlib");
    let mut command = rustc();
    command.args([
        "--edition=2024",
        "--crate-type=rlib",
        "--target",
        TARGET,
        "-o",
    ]);
    let output = command.args([&rlib, &source]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let inputs = [rlib, fixture(dir.path(), "helpers")];
    let (inputs, report) = rewritten(&inputs, dir.path());
    assert_eq!(report.sites, 6);
    assert!(inputs[0].to_str().unwrap().ends_with("libarchived.rlib"));
    for linker in Linker::installed(test) {
        let image = link(&inputs, *linker, &["--undefined=_start", "--gc-sections"]);
        assert_eq!(records(&open(dir.path(), &image)).len(), 8);
    }
}

#[test]
fn a_partial_link_is_not_rewritten_twice() {
    if skip::without_target("a_partial_link_is_not_rewritten_twice") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let inputs = ["calls", "helpers"].map(|name| fixture(dir.path(), name));
    let (inputs, _) = rewritten(&inputs, dir.path());
    let partial = dir.path().join("partial.o");
    fs::write(&partial, link(&inputs, Linker::Lld, &["-r"])).unwrap();
    let (again, report) = rewritten(std::slice::from_ref(&partial), dir.path());
    assert_eq!((again, report.sites), (vec![partial], 0));
}

#[test]
fn a_helper_of_the_kernel_itself_is_called() {
    if skip::without_target("a_helper_of_the_kernel_itself_is_called") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let own = ".globl __aarch64_swp4_acq\n__aarch64_swp4_acq: ret\n";
    let inputs = [
        fixture(dir.path(), "calls"),
        assemble(dir.path(), "own", own),
        fixture(dir.path(), "helpers"),
    ];
    let (inputs, report) = rewritten(&inputs, dir.path());
    assert_eq!(report.sites, 3);
    let mut left = report
        .left
        .iter()
        .filter(|left| left.reason == Reason::Overridden("own.o".into()));
    assert_eq!(left.by_ref().count(), 3);
    assert!(
        report
            .lines()
            .join("\n")
            .contains("is defined by own.o, not by alt-runtime")
    );
    // The link takes the kernel's, since those of alt-runtime are weak.
    link(&inputs, Linker::Lld, &["--gc-sections"]);
}

/// The helpers of `compiler_builtins`, prebuilt and by `-Zbuild-std`, do what the instructions do, whichever
/// definition the linker takes: a staticlib has them in the archive that also has those of alt-runtime.
#[test]
fn the_toolchains_helpers_are_no_others() {
    if skip::without_target("the_toolchains_helpers_are_no_others") {
        return;
    }
    for flag in [
        "__aarch64_have_lse_atomics",
        "_RNvNtCs70mH8fdT8fv_17compiler_builtins23aarch64_outline_atomics16HAVE_LSE_ATOMICS",
        "_ZN17compiler_builtins23aarch64_outline_atomics16HAVE_LSE_ATOMICS17h0123456789abcdefE",
    ] {
        let dir = TempDir::new().unwrap();
        let own = format!(
            ".weak __aarch64_swp4_acq\n__aarch64_swp4_acq: adrp x16, {flag}\n ret\n.local {flag}\n\
             .comm {flag}, 1, 1\n"
        );
        let inputs = [
            fixture(dir.path(), "calls"),
            assemble(dir.path(), "toolchain", &own),
            fixture(dir.path(), "helpers"),
        ];
        let (_, report) = rewritten(&inputs, dir.path());
        assert_eq!(report.sites, 6, "{flag}: {:?}", report.lines());
    }
}

#[test]
fn without_helpers_nothing_changes() {
    if skip::without_target("without_helpers_nothing_changes") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let input = fixture(dir.path(), "calls");
    let (inputs, report) = rewritten(std::slice::from_ref(&input), dir.path());
    assert_eq!(inputs, [input]);
    assert!(!dir.path().join("new").exists());
    let lines = report.lines();
    assert!(
        lines[0].contains("enable the feature `atomics` of alt-runtime"),
        "{lines:?}"
    );
}

#[test]
fn a_damaged_object_is_named() {
    if skip::without_target("a_damaged_object_is_named") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let calls = fixture(dir.path(), "calls");
    let helpers = fixture(dir.path(), "helpers");
    let whole = fs::read(&calls).unwrap();
    for len in [64, whole.len() / 2, whole.len() - 1] {
        fs::write(&calls, &whole[..len]).unwrap();
        let error = prepare(&[&calls, &helpers], &dir.path().join("new")).unwrap_err();
        assert!(
            matches!(error, AtomicsError::Object { .. } | AtomicsError::Input(_)),
            "{error}"
        );
        assert!(error.to_string().contains("calls.o"), "{error}");
        assert!(!dir.path().join("new").exists());
    }
}
