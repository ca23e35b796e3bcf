//! Relocatable objects, such as modules, and the vDSO inside of an image.
//!
//! The oracle is the link of the same code: what a site is, and what its arms write, is the same in
//! the object and in the image, apart from addresses of other sections.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::elf::{FileHeader64, R_AARCH64_ABS32, R_AARCH64_PREL32, SHT_REL};
use object::{LittleEndian, Object, ObjectSection, ObjectSymbol};
use serde_json::Value;
use tempfile::TempDir;
use test_support::{Cross, with_crel, workspace};

use crate::fixture::Fixture;
use crate::linux;
use crate::run::{Ran, alt};

type ElfFile<'a> = object::read::elf::ElfFile<'a, FileHeader64<LittleEndian>>;

/// The line about the layout, on standard error.
const NOTE: &str = "a relocatable object has no addresses";

/// Compiles a source of the fixtures to an object.
fn object(mut rustc: Command, source: &str, out: &Path) -> PathBuf {
    rustc
        .arg(workspace().join("linker/alt/tests/cli").join(source))
        .args(["--emit=obj", "-Cpanic=abort", "-Ccodegen-units=1"])
        .args(["-Copt-level=2", "-Crelocation-model=static", "-o"])
        .arg(out);
    let output = rustc.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    out.to_owned()
}

/// The object of records.s, in Linux's layout.
fn linux_object(cross: &Cross, dir: &Path) -> PathBuf {
    let out = dir.join("records.o");
    object(cross.rustc(), "linux/records.rs", &out)
}

fn run(words: &[&str], path: &Path) -> Ran {
    let path = path.to_str().unwrap();
    let (command, rest) = words.split_first().unwrap();
    alt([&[*command, path], rest].concat())
}

/// The output of a run that must succeed, with the note.
#[track_caller]
fn noted(ran: Ran) -> String {
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.contains(NOTE), "{ran:?}");
    ran.stdout
}

fn sites(text: &str) -> Vec<Value> {
    let json: Value = serde_json::from_str(text).unwrap();
    json["sites"].as_array().unwrap().clone()
}

/// Compares the sites of an object with those of its link; returns the number of equal words.
fn compare(object: &[Value], image: &[Value]) -> usize {
    let mut equal = 0;
    for site in object {
        let same = image.iter().find(|other| other["place"] == site["place"]);
        let same = same.unwrap_or_else(|| panic!("{} is not in the image", site["place"]));
        assert_eq!(site["kind"], same["kind"]);
        let arms = [site, same].map(|site| site["arms"].as_array().unwrap());
        assert_eq!(arms[0].len(), arms[1].len(), "{site}");
        for (arm, other) in arms[0].iter().zip(arms[1]) {
            for field in ["condition", "terms", "kind", "refused"] {
                assert_eq!(arm[field], other[field], "{site}");
            }
            let words = [arm, other].map(|arm| arm["words"].as_array());
            let (Some(ours), Some(theirs)) = words.into() else {
                assert_eq!(arm["words"], other["words"], "{site}");
                continue;
            };
            assert_eq!(ours.len(), theirs.len(), "{site}");
            for (word, other) in ours.iter().zip(theirs) {
                // Distances to other sections, and page offsets, are those of a layout.
                let text = word["text"].as_str().unwrap();
                let mnemonic = |text: &str| text.split(' ').next().map(str::to_owned);
                assert_eq!(mnemonic(text), mnemonic(other["text"].as_str().unwrap()));
                equal += usize::from(word["word"] == other["word"]);
                if text.starts_with('b') || text.starts_with("cb") || text.starts_with("tb") {
                    assert_eq!(word["target"], other["target"], "{site}");
                }
            }
        }
    }
    equal
}

#[test]
fn linux_object_has_the_sites_of_its_link() {
    let Some(cross) = Cross::new("linux_object_has_the_sites_of_its_link") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let path = linux_object(&cross, dir.path());
    let image = linux::records(&cross, dir.path());
    let ours = sites(&noted(run(&["dump", "--json"], &path)));
    let theirs = sites(&run(&["dump", "--json"], &image).clean());
    assert_eq!(ours.len(), 16);
    assert!(compare(&ours, &theirs) >= 20);
    let stats = noted(run(&["stats"], &path));
    assert!(stats.contains(".altinstructions"), "{stats}");
    // What is wrong in the link is wrong in the object: rules find the same.
    let rules = |ran: Ran| {
        let json: Value = serde_json::from_str(&ran.stdout).unwrap();
        let findings = json["findings"].as_array().unwrap().iter();
        let mut rules: Vec<_> = findings.map(|f| f["rule"].to_string()).collect();
        rules.sort();
        (ran.status, rules)
    };
    let [mine, linked] = [&path, &image].map(|path| rules(run(&["verify", "--json"], path)));
    assert_eq!(mine, linked);
}

#[test]
fn apply_writes_sites_that_no_loader_relocates() {
    let Some(cross) = Cross::new("apply_writes_sites_that_no_loader_relocates") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let path = linux_object(&cross, dir.path());
    let out = dir.path().join("out.o");
    let before = fs::read(&path).unwrap();
    let to = out.to_str().unwrap();
    let said = noted(run(&["apply", "--caps", "4", "-o", to], &path));
    assert_eq!(said, "applied 1 of 16 records, 0 callbacks left\n");
    let elf = ElfFile::parse(&*before).unwrap();
    let mut symbols = elf.symbols();
    let site = symbols
        .find(|symbol| symbol.name() == Ok("absent"))
        .unwrap();
    let text = elf.section_by_index(site.section_index().unwrap()).unwrap();
    let at = usize::try_from(text.file_range().unwrap().0 + site.address()).unwrap();
    let mut expected = before.clone();
    // ldapr x0, [x1] (GNU as).
    expected[at..at + 4].copy_from_slice(&0xf8bf_c020_u32.to_le_bytes());
    assert!(fs::read(&out).unwrap() == expected);
    // BRK #0x800, Linux's BUG(), is code like any other (Arm ARM C6.2.50).
    let mut bug = before.clone();
    bug[at..at + 4].copy_from_slice(&0xd421_0000_u32.to_le_bytes());
    let path_of_bug = dir.path().join("bug.o");
    fs::write(&path_of_bug, bug).unwrap();
    let findings = run(&["verify"], &path_of_bug).stdout;
    assert!(!findings.contains("breakpoint"), "{findings}");
    noted(run(&["apply", "--caps", "4", "-o", to], &path_of_bug));
    assert!(fs::read(&out).unwrap() == expected);
    let left = noted(run(&["apply", "--caps", "", "-o", to], &path_of_bug));
    assert!(left.starts_with("applied 0 of 16"), "{left}");
    assert!(fs::read(&out).unwrap() == fs::read(&path_of_bug).unwrap());
    fs::remove_file(&out).unwrap();
    // `page` gets an ADRP of data, whose place the loader decides.
    let refused = run(&["apply", "--caps", "3", "-o", to], &path);
    assert_eq!(refused.status, 2, "{refused:?}");
    let why = "page: the patched words depend on the load address of the object";
    assert!(refused.stderr.contains(why), "{refused:?}");
    assert!(!out.exists());
    let refused = run(&["diff", "--caps", "4", "--dump", to, "--base", "0"], &path);
    assert_eq!(refused.status, 2);
    let why = "has no addresses to compare memory at";
    assert!(refused.stderr.contains(why), "{refused:?}");
}

#[test]
fn object_of_ours_has_the_sites_of_its_link() {
    let Some(fixture) = Fixture::new("object_of_ours_has_the_sites_of_its_link") else {
        return;
    };
    let cross = Cross::new("object_of_ours_has_the_sites_of_its_link").unwrap();
    let mut rustc = cross.rustc();
    rustc.env(
        "CARGO_MANIFEST_DIR",
        workspace().join("linker/alt/tests/cli/own"),
    );
    let path = object(rustc, "own/kernel.rs", &fixture.file("kernel.o"));
    let ours = sites(&noted(run(&["dump", "--json"], &path)));
    let theirs = sites(&run(&["dump", "--json"], fixture.path()).clean());
    assert_eq!(ours.len(), theirs.len());
    assert!(compare(&ours, &theirs) >= 10);
    let said = noted(run(&["verify"], &path));
    let line = "not checked: what is decided when this object is linked or loaded: addresses, and ";
    assert!(said.starts_with("clean: "), "{said}");
    assert!(said.contains(line), "{said}");
}

/// The object with one relocation type, or one section type, replaced.
fn damaged(file: &[u8], old: &[u8], new: &[u8], near: usize) -> Vec<u8> {
    let mut file = file.to_vec();
    let found = file[near..].windows(old.len()).position(|it| it == old);
    let at = near + found.unwrap();
    file[at..at + new.len()].copy_from_slice(new);
    file
}

#[test]
fn objects_that_cannot_be_laid_out_are_refused() {
    let Some(cross) = Cross::new("objects_that_cannot_be_laid_out_are_refused") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let path = linux_object(&cross, dir.path());
    let good = fs::read(&path).unwrap();
    let elf = ElfFile::parse(&*good).unwrap();
    let rows = elf.section_by_name(".rela.altinstructions").unwrap();
    let (offset, _) = rows.file_range().unwrap();
    let offset = usize::try_from(offset).unwrap();
    let refuse = |file: Vec<u8>, why: &str| {
        fs::write(&path, file).unwrap();
        let ran = run(&["dump"], &path);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.contains(why), "{ran:?}");
    };
    let kind = |kind: object::elf::RelocationType| kind.0.to_le_bytes();
    let wrong = damaged(
        &good,
        &kind(R_AARCH64_PREL32),
        &kind(R_AARCH64_ABS32),
        offset,
    );
    // An address where a distance belongs is no error of the relocation, but the site is elsewhere.
    fs::write(&path, wrong).unwrap();
    assert_ne!(run(&["verify"], &path).status, 0);
    let unknown = damaged(&good, &kind(R_AARCH64_PREL32), &[0xff, 0xff, 0, 0], offset);
    refuse(
        unknown,
        "the relocation of .altinstructions+0x0 cannot be applied",
    );
    let headers = elf.elf_header().e_shoff.get(LittleEndian);
    let at = usize::try_from(headers).unwrap() + 64 * rows.index().0 + 4;
    let mut rel = good.clone();
    rel[at..at + 4].copy_from_slice(&SHT_REL.0.to_le_bytes());
    refuse(
        rel,
        "the relocations of .altinstructions are in a form that `alt` does not read",
    );
    let mut machine = good.clone();
    machine[18] = 0x3e;
    refuse(machine, "an ELF file for machine 0x3e");
    // Cut anywhere, it is refused, and never a panic.
    for length in (0..good.len()).step_by(97) {
        fs::write(&path, &good[..length]).unwrap();
        assert_eq!(run(&["dump"], &path).status, 2, "{length}");
    }
}

/// `--crel` of LLVM's assembler.
#[test]
fn compact_relocations_are_applied() {
    let Some(cross) = Cross::new("compact_relocations_are_applied") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let path = linux_object(&cross, dir.path());
    let read = || [["dump", "--json"], ["verify", "--json"]].map(|words| run(&words, &path).stdout);
    let plain = read();
    assert!(plain[0].contains("\"words\""));
    fs::write(&path, with_crel(&fs::read(&path).unwrap())).unwrap();
    assert_eq!(read(), plain);
}

#[test]
fn vdso_has_sites_of_its_own() {
    let Some(cross) = Cross::new("vdso_has_sites_of_its_own") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let inner = linux::records(&cross, dir.path());
    let around = |inner: &Path, name: &str| {
        let source = dir.path().join("outer.rs");
        let text = format!(
            "#![no_std]\n#![no_main]\ncore::arch::global_asm!(\n\
             \".globl _start, vdso_start, vdso_end\", \"_start: adrp x0, vdso_start\", \"ret\",\n\
             \".section .rodata, \\\"a\\\"\", \"vdso_start: .incbin \\\"{}\\\"\", \"vdso_end:\");\n\
             #[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'_>) -> ! {{ loop {{}} }}\n",
            inner.display()
        );
        fs::write(&source, text).unwrap();
        let outer = dir.path().join(name);
        let mut rustc = cross.rustc();
        rustc.args(["-Cpanic=abort", "-Clink-arg=-Ttext=0x40200000"]);
        let output = rustc.arg(&source).arg("-o").arg(&outer).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        outer
    };
    let outer = around(&inner, "outer");
    // The image has no table; its vDSO has one, as the file of its own.
    run(&["dump"], &outer).refused(&["the image has no table of sites"]);
    let json = ["dump", "--json"];
    let alone = run(&json, &inner).clean();
    let inside = run(&["dump", "--json", "--vdso"], &outer).clean();
    assert_eq!(inside, alone);
    let rules = dir.path().join("rules.toml");
    fs::write(&rules, "").unwrap();
    let said = run(&["verify", "--rules", rules.to_str().unwrap()], &outer).clean();
    let line = "not checked: the vDSO, an ELF file of its own in the image, with 16 records";
    assert!(said.contains(line), "{said}");
    run(&["dump", "--vdso"], &inner).refused(&["no vDSO"]);
    let without = around(&outer, "without");
    run(&["dump", "--vdso"], &without).refused(&["its vDSO has no table of sites"]);
}

/// A site as in the vDSO, which is linked as a shared object and stripped.
const IN_VDSO: &str = r#"
.text
nop
.globl named
.type named, %function
named:
    nop
661: nop
    ret
.size named, . - named
.globl marker
marker: ret
.section .altinstructions, "a"
    .balign 4
    .word 661b - ., 662f - .
    .hword 3
    .byte 4, 4
.section .altinstr_replacement, "ax"
662: isb
"#;

/// Loads of addresses from slots, as compilers write them: `-fPIC` (a page and its low part), GCC's
/// `-fpic` (the table's page), a literal, offsets in the table, and distances in data.
const BY_SLOTS: &str = "
.text
.globl by_slots
.type by_slots, %function
by_slots:
    adrp x0, :got:foreign
    ldr x0, [x0, :got_lo12:foreign]
    adrp x1, _GLOBAL_OFFSET_TABLE_
    ldr x1, [x1, :gotpage_lo15:foreign]
    ldr x2, :got:foreign
    adrp x3, :got:here
    ldr x3, [x3, :got_lo12:here]
    movz x4, #0
    ldr x5, [x1]
    mrs x6, tpidr_el1
    ret
.reloc by_slots + 28, R_AARCH64_MOVW_GOTOFF_G0, here
.reloc by_slots + 32, R_AARCH64_LD64_GOTOFF_LO15, here
.reloc by_slots + 36, R_AARCH64_TLSIE_MOVW_GOTTPREL_G1, foreign
.data
.balign 8
.globl here
here: .word 0
.balign 8
.globl relative
relative: .xword 0
.word 0
.reloc here, R_AARCH64_GOTPCREL32, foreign
.reloc relative, R_AARCH64_GOTREL64, here
.reloc relative + 8, R_AARCH64_GOTREL32, here + 4
.section .altinstructions, \"a\"
    .word by_slots + 40 - ., 662f - .
    .hword 3
    .byte 4, 4
.section .altinstr_replacement, \"ax\"
662: isb
";

#[test]
fn slots_of_the_global_offset_table_have_addresses() {
    let test = "slots_of_the_global_offset_table_have_addresses";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let (source, path) = (dir.path().join("slots.rs"), dir.path().join("slots.o"));
    let text = format!("#![no_std]\ncore::arch::global_asm!(r##\"{BY_SLOTS}\"##);\n");
    fs::write(&source, text).unwrap();
    let mut rustc = cross.rustc();
    rustc.args(["--crate-type=lib", "--emit=obj", "-Cpanic=abort"]);
    let output = rustc.arg(&source).arg("-o").arg(&path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let image = alt_image::image::Image::parse_any(fs::read(&path).unwrap()).unwrap();
    let start = image.symbol("by_slots").unwrap();
    let word = |index: u64| u64::from(image.word(start + 4 * index).unwrap());
    // ADRP has the page in bits 23:5 and 30:29, LDR the offset by 8 in 21:10, the literal form the
    // distance by 4 in 23:5 (Arm ARM C6.2.12, C6.2.205, C6.2.206).
    let page = |index: u64| {
        let pages = (word(index) >> 5 & 0x7_ffff) << 2 | word(index) >> 29 & 3;
        ((start + 4 * index) & !0xfff) + (pages << 12)
    };
    let by_page = |index: u64| page(index) + 8 * (word(index + 1) >> 10 & 0xfff);
    let foreign = by_page(0);
    assert_eq!(by_page(2), foreign);
    assert_eq!(start + 16 + 4 * (word(4) >> 5 & 0x7_ffff), foreign);
    assert_eq!(by_page(5), foreign + 8);
    let here = image.symbol("here").unwrap();
    let distance: [u8; 4] = image.bytes(here, 4).unwrap().try_into().unwrap();
    let distance = i64::from(i32::from_le_bytes(distance));
    assert_eq!(here.wrapping_add_signed(distance), foreign);
    let held = |slot| u64::from_le_bytes(image.bytes(slot, 8).unwrap().try_into().unwrap());
    assert_eq!(held(foreign), image.symbol("foreign").unwrap());
    assert_eq!(held(foreign + 8), here);
    // The table begins where its first slot is; the second has the offset 8.
    assert_eq!(word(7), 0xd280_0104);
    assert_eq!(word(8), 0xf940_0425);
    let relative = image.symbol("relative").unwrap();
    assert_eq!(held(relative), here.wrapping_sub(foreign));
    let low = image.u32_at(relative + 8).unwrap();
    assert_eq!(low, (here + 4).wrapping_sub(foreign) as u32);
    let said = noted(run(&["verify"], &path));
    let left: Vec<_> = said.lines().filter(|line| line.contains("GOT")).collect();
    assert_eq!(left.len(), 1, "{said}");
    let why = "R_AARCH64_TLSIE_MOVW_GOTTPREL_G1: the global offset table is made by the link or the loader";
    assert!(left[0].contains(why), "{said}");
}

/// Linux states no alignment for its table; the linker script of the kernel does.
#[test]
fn table_of_linux_after_constants_of_any_size_is_read() {
    let test = "table_of_linux_after_constants_of_any_size_is_read";
    let Some(cross) = Cross::new(test) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let (source, path) = (dir.path().join("odd.rs"), dir.path().join("odd.o"));
    let text = format!(
        "#![no_std]\ncore::arch::global_asm!(r##\"{}\n.section .rodata, \"a\"\n.byte 1\"##);\n",
        IN_VDSO.replace(".balign 4", "")
    );
    fs::write(&source, text).unwrap();
    let mut rustc = cross.rustc();
    rustc.args(["--crate-type=lib", "--emit=obj", "-Cpanic=abort"]);
    let output = rustc.arg(&source).arg("-o").arg(&path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = noted(run(&["verify"], &path));
    assert!(said.contains("clean: 1 site, 1 record"), "{said}");
}

/// The symbols for a loader, which `strip` keeps, name the sites.
#[test]
fn stripped_vdso_has_the_names_of_its_functions() {
    let Some(cross) = Cross::new("stripped_vdso_has_the_names_of_its_functions") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let (source, image) = (dir.path().join("vdso.rs"), dir.path().join("vdso.so"));
    let text = format!(
        "#![no_std]\n#![no_main]\ncore::arch::global_asm!(r##\"{IN_VDSO}\"##);\n\
         #[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'_>) -> ! {{ loop {{}} }}\n",
    );
    fs::write(&source, text).unwrap();
    let mut rustc = cross.rustc();
    rustc.args(["-Cpanic=abort", "-Crelocation-model=static"]);
    rustc.args(["-Clink-arg=-shared", "-Clink-arg=--strip-all"]);
    rustc.args(["-Clink-arg=--export-dynamic", "-Clink-arg=--no-gc-sections"]);
    let output = rustc.arg(&source).arg("-o").arg(&image).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let dump = run(&["dump"], &image).clean();
    assert!(dump.starts_with("named+0x4  0x"), "{dump}");
    // Without a size, a symbol of a stripped file names nothing.
    let dump = run(&["dump", "--site", "marker"], &image);
    assert_eq!(dump.status, 2, "{dump:?}");
}
