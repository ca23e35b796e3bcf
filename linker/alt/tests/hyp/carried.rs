//! Sections that are no code and no data of the program: debug information, notes, what other tools
//! put into objects.

use std::fs;

use object::elf::FileHeader64;
use object::{LittleEndian, Object, ObjectSection};

use crate::support::{Bench, PLAIN, expect};

type ElfFile<'a> = object::read::elf::ElfFile<'a, FileHeader64<LittleEndian>>;

const INIT: &str = ".section .text.init, \"ax\"\n.globl init\ninit: ret\n";

/// 64 zeros, compressed (RFC 1950, by zlib).
const ZLIB: &str = ".byte 0x78,0x9c,0x63,0x60,0xa0,0x0c,0x00,0x00,0x00,0x40,0x00,0x01\n";

fn section_names(file: &[u8]) -> Vec<String> {
    let elf = ElfFile::parse(file).unwrap();
    let names = elf
        .sections()
        .map(|section| section.name().unwrap().to_owned());
    names.collect()
}

/// Moves the only relocation of a section to another offset, and adds flags to the section: what an
/// assembler would refuse to write.
fn compressed(file: &mut [u8], name: &str, offset: u64, flags: u8) {
    let elf = ElfFile::parse(&*file).unwrap();
    let header = |name: &str| {
        let section = elf.section_by_name(name).unwrap();
        let table = elf.elf_header().e_shoff.get(LittleEndian);
        let at = usize::try_from(table).unwrap() + 64 * section.index().0;
        (at, section.file_range())
    };
    let (section, _) = header(name);
    let (_, rows) = header(&format!(".rela{name}"));
    let row = usize::try_from(rows.unwrap().0).unwrap();
    file[row..row + 8].copy_from_slice(&offset.to_le_bytes());
    // SHF_COMPRESSED is 0x800 (ELF gABI, figure 4-11): the second byte of sh_flags.
    file[section + 9] |= flags;
}

#[test]
fn compressed_debug_information_is_linked() {
    let Some(bench) = Bench::new("compressed_debug_information_is_linked") else {
        return;
    };
    // Elf64_Chdr: ELFCOMPRESS_ZLIB, 64 bytes, aligned to 1.
    let text = format!(
        "{INIT}.section .debug_info, \"\", %progbits\n.reloc 0, R_AARCH64_ABS64, init\n\
         .word 1, 0\n.quad 64, 1\n{ZLIB}"
    );
    let object = bench.assemble(&text, "fixture.o");
    let mut file = fs::read(&object).unwrap();
    // Behind the compressed bytes, and inside of the uncompressed ones.
    compressed(&mut file, ".debug_info", 56, 8);
    fs::write(&object, &file).unwrap();
    let out = fs::read(bench.link(PLAIN, &[&object]).unwrap()).unwrap();
    let elf = ElfFile::parse(&*out).unwrap();
    let debug = elf.section_by_name(".debug_info").unwrap();
    assert_eq!(debug.data().unwrap(), [0; 64]);
    // Behind both.
    compressed(&mut file, ".debug_info", 64, 8);
    fs::write(&object, &file).unwrap();
    fs::remove_file(bench.path("out.o")).unwrap();
    let message = bench.refused(PLAIN, &[&object]);
    expect(
        &message,
        &[".debug_info+0x40 of fixture.o: .debug_info has 0x40 bytes"],
    );
}

#[test]
fn old_form_of_compressed_debug_information_is_left_out() {
    let Some(bench) = Bench::new("old_form_of_compressed_debug_information_is_left_out") else {
        return;
    };
    let text = format!(
        "{INIT}.section .zdebug_info, \"\", %progbits\n.reloc 0, R_AARCH64_ABS64, init\n\
         .ascii \"ZLIB\"\n.byte 0, 0, 0, 0, 0, 0, 0, 64\n{ZLIB}"
    );
    let object = bench.assemble(&text, "fixture.o");
    let mut file = fs::read(&object).unwrap();
    compressed(&mut file, ".zdebug_info", 56, 0);
    fs::write(&object, &file).unwrap();
    let output = bench.alt(PLAIN, &[&object]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}");
    expect(
        &words,
        &["section .zdebug_info is left out", "-gz=zlib (fixture.o)"],
    );
    let out = fs::read(bench.path("out.o")).unwrap();
    let names = section_names(&out);
    assert!(
        !names.iter().any(|name| name.contains("zdebug")),
        "{names:?}"
    );
    // lld takes compressed bytes for strings.
    let strings = format!("{INIT}.section .zdebug_str, \"MS\", %progbits, 1\n{ZLIB}");
    fs::remove_file(bench.path("out.o")).unwrap();
    let message = bench.refused_text(PLAIN, &strings);
    expect(
        &message,
        &["(.zdebug_str): string is not null", "with -gz=zlib"],
    );
}

#[test]
fn sections_of_unknown_types_are_left_out_by_name() {
    let Some(bench) = Bench::new("sections_of_unknown_types_are_left_out_by_name") else {
        return;
    };
    // SHT_LLVM_BB_ADDR_MAP and two unused numbers, one of them processor-specific.
    for kind in ["0x6fff4c0a", "0x6abcdef0", "0x7abcdef0"] {
        let text = format!("{INIT}.section .odd, \"\", @{kind}\n.quad init\n");
        let object = bench.assemble(&text, "fixture.o");
        let output = bench.alt(PLAIN, &[&object]);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words}");
        let line = format!("section .odd is left out: it is of type {kind}");
        expect(&words, &[&line, "(fixture.o)"]);
        let names = section_names(&fs::read(bench.path("out.o")).unwrap());
        assert!(!names.iter().any(|name| name.contains("odd")), "{names:?}");
    }
    // In memory it would be missing.
    let manifest = format!("{PLAIN}[sections]\n\".rodata.odd\" = [\".odd\"]\n");
    let text = format!("{INIT}.section .odd, \"aR\", @0x6abcdef0\n.quad 1\n");
    fs::remove_file(bench.path("out.o")).unwrap();
    let message = bench.refused_text(&manifest, &text);
    expect(
        &message,
        &["section .hyp.rodata.odd is loaded and of type 0x6abcdef0"],
    );
}

/// Without its relocations, the code would be wrong.
#[test]
fn relocations_of_an_unknown_type_are_refused() {
    let Some(bench) = Bench::new("relocations_of_an_unknown_type_are_refused") else {
        return;
    };
    let object = bench.assemble(&INIT.replace("ret", "b init"), "fixture.o");
    let compact = test_support::with_crel(&fs::read(&object).unwrap());
    let message = bench.refused(PLAIN, &[&bench.write("compact.o", compact)]);
    expect(
        &message,
        &[
            "compact.o: section .rela.text.init, of type 0x40000014",
            "--crel",
        ],
    );
}

/// The property of a file with these features of `GNU_PROPERTY_AARCH64_FEATURE_1_AND`.
fn property(features: u32) -> String {
    format!(
        ".section .note.gnu.property, \"a\", %note\n.balign 8\n.word 4, 16, 5\n.asciz \"GNU\"\n\
         .word 0xc0000000, 4, {features}, 0\n"
    )
}

#[test]
fn bti_marks_are_kept_if_all_inputs_have_them() {
    let Some(bench) = Bench::new("bti_marks_are_kept_if_all_inputs_have_them") else {
        return;
    };
    let more = ".section .text.more, \"axR\"\nmore: ret\n";
    let features = |first: Option<u32>, second: Option<u32>| {
        let text = |text: &str, features: Option<u32>| {
            format!("{text}{}", features.map_or(String::new(), property))
        };
        let first = bench.assemble(&text(INIT, first), "first.o");
        let second = bench.assemble(&text(more, second), "second.o");
        let out = fs::read(bench.link(PLAIN, &[&first, &second]).unwrap()).unwrap();
        let elf = ElfFile::parse(&*out).unwrap();
        let note = elf.section_by_name(".note.gnu.property")?;
        let note = note.data().unwrap();
        let word: [u8; 4] = note.get(24..28)?.try_into().unwrap();
        Some(u32::from_le_bytes(word))
    };
    // BTI is bit 0, PAC is bit 1.
    assert_eq!(features(Some(3), Some(1)), Some(1));
    assert_eq!(features(Some(1), Some(1)), Some(1));
    assert_eq!(features(Some(1), None), None);
    assert_eq!(features(Some(1), Some(2)), None);
}

#[test]
fn slim_objects_of_gcc_are_refused() {
    let Some(bench) = Bench::new("slim_objects_of_gcc_are_refused") else {
        return;
    };
    let text = ".section .gnu.lto_.decls.0, \"e\", %progbits\n.byte 1\n";
    let object = bench.assemble(text, "slim.o");
    let message = bench.refused(PLAIN, &[&object]);
    expect(&message, &["slim.o: code of GCC", "-ffat-lto-objects"]);
}
