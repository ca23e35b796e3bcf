//! The fragments for the sections of an image lose no input section, and keep apart what they say.

use std::collections::BTreeMap;
use std::fs;

use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind};
use tempfile::TempDir;
use test_support::{Linker, TARGET, rustc, skip};

/// Symbol, input section, the output section where it belongs.
const PLACES: [(&str, &str, &str); 19] = [
    ("entry", ".text.entry,\"ax\"", ".text"),
    ("plain", ".text,\"ax\"", ".text"),
    ("function", ".text._ZN1a1bE,\"ax\"", ".text"),
    ("hot", ".text.hot.f,\"ax\"", ".text"),
    ("rare", ".text.unlikely.f,\"ax\"", ".text"),
    ("cold", ".text.cold,\"ax\"", ".text"),
    ("group", ".text.together.g.f,\"ax\"", ".text"),
    ("odd", ".text.$x.dollar,\"ax\"", ".text"),
    ("constant", ".rodata..Lanon.1,\"a\"", ".rodata"),
    ("paged_constant", ".rodata..page_aligned.c,\"a\"", ".rodata"),
    ("relro", ".data.rel.ro.v,\"aw\"", ".rodata"),
    ("counter", ".data.counter,\"aw\"", ".data"),
    ("merged", ".data..L_MergedGlobals,\"aw\"", ".data"),
    ("mostly", ".data..read_mostly.m,\"aw\"", ".data"),
    ("paged", ".data..page_aligned.p,\"aw\"", ".data"),
    ("zero", ".bss.zero,\"aw\",%nobits", ".bss"),
    ("plain_zero", ".bss,\"aw\",%nobits", ".bss"),
    ("paged_zero", ".bss..page_aligned,\"aw\",%nobits", ".bss"),
    ("common", "", ".bss"),
];

const SCRIPT: &str = "
ENTRY(entry)
SECTIONS {
  . = 0x40000000;
  .text : { *(.text.entry) INCLUDE text.x }
  .rodata : ALIGN(4096) { INCLUDE rodata.x }
  INCLUDE build-id.x
  .data : ALIGN(4096) { INCLUDE data.x }
  .bss (NOLOAD) : ALIGN(4096) { bss_begin = .; INCLUDE bss.x bss_end = .; }
  /DISCARD/ : { *(.eh_frame .comment .note.GNU-stack) }
}
";

/// The object: each symbol has 8 bytes, and 16 where its section is page-aligned.
fn assembly() -> String {
    let mut text = String::new();
    for (symbol, section, _) in PLACES {
        if section.is_empty() {
            text += &format!(".comm {symbol}, 8, 8\n");
            continue;
        }
        let align = if section.contains("page_aligned") {
            4096
        } else {
            8
        };
        text += &format!(".section {section}\n.balign {align}\n.globl {symbol}\n{symbol}:\n");
        text += if section.contains("nobits") {
            ".zero 8\n"
        } else {
            ".xword 7\n"
        };
        text += &format!(".size {symbol}, 8\n");
    }
    text
}

#[test]
fn sections_are_placed_without_loss() {
    const TEST: &str = "sections_are_placed_without_loss";
    if skip::without_target(TEST) {
        return;
    }
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    alt_linker::write_scripts(dir.path()).unwrap();
    fs::write(path("kernel.ld"), SCRIPT).unwrap();
    fs::write(path("a.s"), assembly()).unwrap();
    let shim = "#![no_std]\ncore::arch::global_asm!(include_str!(env!(\"ASM\")));\n";
    fs::write(path("a.rs"), shim).unwrap();
    let mut rustc = rustc();
    rustc.args([
        "--target",
        TARGET,
        "--crate-type=lib",
        "--emit=obj",
        "-Cpanic=abort",
    ]);
    rustc
        .env("ASM", path("a.s"))
        .arg(path("a.rs"))
        .arg("-o")
        .arg(path("a.o"));
    assert!(rustc.status().unwrap().success());
    for linker in Linker::installed(TEST) {
        let mut command = linker.command();
        command
            .current_dir(dir.path())
            .args(["-L", ".", "-T", "kernel.ld", "a.o", "-o", "image"]);
        let output = command.arg("--build-id=sha1").output().unwrap();
        assert!(
            output.status.success(),
            "{linker:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let file = fs::read(path("image")).unwrap();
        let image = object::File::parse(&*file).unwrap();
        let symbols: BTreeMap<_, _> = image
            .symbols()
            .map(|symbol| {
                (
                    symbol.name().unwrap(),
                    (symbol.address(), symbol.section_index()),
                )
            })
            .collect();
        let at = |name: &str| symbols[name].0;
        for (symbol, _, output) in PLACES {
            let section = image.section_by_index(symbols[symbol].1.unwrap()).unwrap();
            assert_eq!(section.name(), Ok(output), "{linker:?}: {symbol}");
        }
        // Nothing is anywhere else.
        let loaded = image.sections().filter(|section| {
            !matches!(section.kind(), SectionKind::Metadata | SectionKind::Other)
                && section.address() != 0
        });
        let mut names: Vec<_> = loaded
            .map(|section| section.name().unwrap().to_owned())
            .collect();
        names.retain(|name| name != ".note.gnu.build-id");
        assert_eq!(names, [".text", ".rodata", ".data", ".bss"], "{linker:?}");

        // Explicit names first; the author's before ours.
        let text = ["entry", "group", "hot", "rare", "plain"].map(at);
        assert!(text.is_sorted(), "{linker:?}: {text:x?}");
        assert!(
            at("cold") < at("plain") && at("rare") < at("function"),
            "{linker:?}"
        );
        // Page-aligned data has pages of its own.
        for (paged, others) in [
            ("paged_constant", &["constant", "relro"][..]),
            ("paged", &["mostly", "counter", "merged"]),
            ("paged_zero", &["zero", "plain_zero", "common"]),
        ] {
            for other in others {
                assert_ne!(
                    at(paged) / 4096,
                    at(other) / 4096,
                    "{linker:?}: {paged}, {other}"
                );
            }
        }
        // What is mostly read shares no cache line.
        for other in ["counter", "merged", "paged"] {
            assert_ne!(at("mostly") / 128, at(other) / 128, "{linker:?}: {other}");
        }
        // The bounds of the build id, and of .bss.
        let note = image.section_by_name(".note.gnu.build-id").unwrap();
        assert_eq!(
            (at("__alt_build_id_start"), note.size()),
            (note.address(), 36),
            "{linker:?}"
        );
        assert_eq!(at("__alt_build_id_stop"), note.address() + 36, "{linker:?}");
        let bss = image.section_by_name(".bss").unwrap();
        assert_eq!(
            (at("bss_begin"), at("bss_end")),
            (bss.address(), bss.address() + bss.size())
        );
    }
}
