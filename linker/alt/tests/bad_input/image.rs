//! Files that are no image.

use alt_image::dump::{Dump, Filter};
use alt_image::image::{Image, ImageError};
use alt_image::names::CapNames;
use alt_image::records::Records;

use crate::elf::{self, ALLOC, EXEC, NOBITS, RELA, Section, TEXT};
use crate::image_error;

/// The good image with other bytes at an offset of the ELF header.
fn header(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = elf::image().bytes();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn other_files() {
    for bytes in [&b""[..], b"\x7fEL", b"MZ\0\0", b"#!/bin/sh\n"] {
        assert_eq!(image_error(bytes.into()), ImageError::NotElf);
    }
    assert_eq!(image_error(header(4, &[1])), ImageError::Class);
    assert_eq!(image_error(header(4, &[9])), ImageError::Class);
    assert_eq!(image_error(header(5, &[2])), ImageError::BigEndian);
    // 62 is x86-64; 1 is a relocatable file, 4 a core dump.
    assert_eq!(image_error(header(18, &[62, 0])), ImageError::Machine(62));
    assert_eq!(image_error(header(16, &[1, 0])), ImageError::Type(1));
    assert_eq!(image_error(header(16, &[4, 0])), ImageError::Type(4));
}

#[test]
fn no_section_headers() {
    // Neither offset, nor count, nor the section of names: as `--strip-section-headers` leaves it.
    let mut file = header(40, &[0; 8]);
    file[60..64].copy_from_slice(&[0; 4]);
    assert_eq!(image_error(file), ImageError::NoSections);
}

/// A split debug file has the headers of an image and no text: every check of it would pass.
#[test]
fn text_in_another_file() {
    for mut elf in [elf::image(), elf::linux()] {
        let text = elf.section(".text");
        (text.kind, text.size) = (NOBITS, Some(text.bytes.len() as u64));
        text.bytes.clear();
        let section = ".text".into();
        assert_eq!(
            image_error(elf.bytes()),
            ImageError::NoTextBytes { section }
        );
    }
}

/// As Linux's script leaves it, which discards .dynsym: linked to no section (Debian's 5.10 and
/// 6.12) or, by GNU ld, to .symtab (6.1). A weak undefined symbol keeps its index in .dynsym, which
/// is an index of no symbol, or of an unrelated one.
#[test]
fn pointers_for_a_loader_without_symbols() {
    // The symbol table of the file is its second section from the end.
    for link in [|_: usize| 0, |sections: usize| sections as u32 + 1] {
        for index in [3_u64, 0xffff] {
            pointers_without_symbols(link, index);
        }
    }
}

fn pointers_without_symbols(link: fn(usize) -> u32, weak: u64) {
    let mut elf = elf::image();
    let at = TEXT + 0x1070;
    elf.sections.push(Section {
        kind: RELA,
        // R_AARCH64_RELATIVE: the function of the callback; R_AARCH64_ABS64 of a weak symbol.
        bytes: [at, 1027, TEXT, at - 8, weak << 32 | 257, 0]
            .map(u64::to_le_bytes)
            .concat(),
        ..Section::new(".rela.dyn", ALLOC, TEXT + 0x2000, Vec::new())
    });
    let mut file = elf.bytes();
    let headers = u64::from_le_bytes(file[40..48].try_into().unwrap()) as usize;
    let sh_link = headers + 64 * elf.sections.len() + 40;
    let link = link(elf.sections.len());
    file[sh_link..sh_link + 4].copy_from_slice(&link.to_le_bytes());
    let image = Image::parse(file).unwrap();
    let [pointer] = image.pointers() else {
        panic!("{:?}", image.pointers());
    };
    assert_eq!((pointer.at, pointer.target), (at, TEXT));
    let records = Records::find(&image, None).unwrap();
    let dump = Dump::new(&image, &records, &CapNames::default(), &Filter::default()).unwrap();
    let mut arms = dump.sites.iter().flat_map(|site| &site.arms);
    let callback = arms.find_map(|arm| arm.callback.as_ref()).unwrap();
    assert_eq!(callback.function.as_deref(), Some("demo::main"));
}

#[test]
fn symbols_that_name_no_place() {
    let mut elf = elf::image();
    // Clang numbers mapping symbols, and objcopy puts a prefix before them.
    elf.symbol("__kvm_nvhe_$d.1", 0, 1, TEXT + 4, 0);
    elf.symbol("__kvm_nvhe_$x.2", 0, 1, TEXT + 8, 0);
    // STT_TLS: an offset.
    elf.symbol("per_thread", 6, 1, TEXT + 4, 4);
    let image = Image::parse(elf.bytes()).unwrap();
    let is_data = [0, 4, 8].map(|offset| image.symbols().is_data(TEXT + offset));
    assert_eq!(is_data, [false, true, false]);
    assert_eq!(image.symbols().get("per_thread"), None);
    assert_eq!(image.symbols().get("__kvm_nvhe_$d.1"), None);
}

#[test]
fn section_headers_elsewhere() {
    let far = [1 << 32, 1 << 60, u64::MAX, u64::MAX - 63];
    for offset in far {
        let error = image_error(header(40, &offset.to_le_bytes()));
        assert!(matches!(error, ImageError::Truncated(_)), "{error}");
        assert!(error.to_string().contains("the section headers"), "{error}");
    }
    // Section 200 of 11 cannot hold the names.
    let error = image_error(header(62, &[200, 0]));
    assert!(matches!(error, ImageError::Truncated(_)), "{error}");
    assert!(error.to_string().contains("header"), "{error}");
}

#[test]
fn section_past_the_end() {
    for (offset, size) in [
        (1 << 32, 32),
        (u64::MAX, 32),
        (u64::MAX - 31, 32),
        (0, 1 << 60),
        (64, 1 << 32),
    ] {
        let mut elf = elf::image();
        let text = elf.section(".text");
        (text.offset, text.size) = (Some(offset), Some(size));
        let section = ".text".to_owned();
        assert_eq!(
            image_error(elf.bytes()),
            ImageError::PastEnd {
                section,
                offset,
                size
            }
        );
    }
}

#[test]
fn section_beyond_the_address_space() {
    for (address, size) in [(u64::MAX - 2, 32), (TEXT, u64::MAX), (u64::MAX - 64, 60)] {
        let mut elf = elf::image();
        let plan = elf.section("alt_plan");
        (plan.address, plan.size) = (address, Some(size));
        assert_eq!(
            image_error(elf.bytes()),
            ImageError::Wraps {
                section: "alt_plan".into(),
                address
            }
        );
    }
}

#[test]
fn sections_that_overlap() {
    let mut elf = elf::image();
    elf.section("alt_branches").address = TEXT + 28;
    let overlap = |first: &str, second: &str, at| ImageError::Overlap {
        first: first.into(),
        second: second.into(),
        at,
    };
    let error = image_error(elf.bytes());
    assert_eq!(error, overlap(".text", "alt_branches", TEXT + 28));

    // In the file: the records begin in the last word of the text, which begins at 64.
    let mut elf = elf::image();
    elf.section("alt_records").offset = Some(64 + 28);
    let error = image_error(elf.bytes());
    assert_eq!(error, overlap(".text", "alt_records", 64 + 28));
}

#[test]
fn names_that_no_compiler_makes() {
    let mut elf = elf::image();
    elf.symbol(&"x".repeat(70_000), 2, 1, TEXT, 4);
    assert_eq!(image_error(elf.bytes()), ImageError::Name(70_000));

    // 2000 symbols share one name of 60000 bytes: 120 MB from a file of 110 KB.
    let mut elf = elf::image();
    elf.symbol(&"y".repeat(60_000), 2, 1, TEXT, 4);
    let row = 24 * elf.symbols.len();
    elf.symbols
        .extend(vec![(String::new(), 2, 1, TEXT, 4); 2000]);
    let mut file = elf.bytes();
    let table = file.windows(24).position(|w| w == [0; 24]).unwrap();
    let table = (table..)
        .find(|at| file[*at + 24..].starts_with(&[1, 0, 0, 0, 0x10]))
        .unwrap();
    let name = file[table + row..][..4].to_owned();
    for index in 1..=2000 {
        file[table + row + 24 * index..][..4].copy_from_slice(&name);
    }
    assert_eq!(image_error(file), ImageError::Names(16));

    // 100 sections share one.
    let mut elf = elf::image();
    let long = Section::new("z".repeat(60_000).leak(), 0, 0, Vec::new());
    elf.sections.push(long);
    elf.sections
        .extend(vec![Section::new("", 0, 0, Vec::new()); 100]);
    let mut file = elf.bytes();
    let headers = u64::from_le_bytes(file[40..48].try_into().unwrap()) as usize;
    let first = headers + 64 * (elf.sections.len() - 100);
    for index in 1..=100 {
        file.copy_within(first..first + 4, first + 64 * index);
    }
    assert_eq!(image_error(file), ImageError::Names(16));
}

/// A section may not lie over headers: patching it would change them.
#[test]
fn sections_that_overlap_headers() {
    let elf = elf::image();
    let len = elf.bytes().len() as u64;
    let table = len - 64 * (elf.sections.len() as u64 + 3);
    for (offset, first, second, at) in [
        (0, "(the ELF header)", ".text", 0),
        (32, "(the ELF header)", ".text", 32),
        (table, ".text", "(the section headers)", table),
        (len - 32, "(the section headers)", ".text", len - 32),
    ] {
        let mut elf = elf.clone();
        elf.section(".text").offset = Some(offset);
        let ImageError::Overlap {
            first: one,
            second: other,
            at: place,
        } = image_error(elf.bytes())
        else {
            panic!("{offset:#x}")
        };
        let mut names = [one.as_str(), other.as_str()];
        names.sort_by_key(|name| *name != first);
        assert_eq!((names, place), ([first, second], at));
    }
    // Program headers: one, over the first bytes of the text.
    let mut file = elf.bytes();
    file[32..40].copy_from_slice(&64_u64.to_le_bytes());
    file[56] = 1;
    let error = image_error(file);
    assert!(
        error.to_string().contains("(the program headers)"),
        "{error}"
    );
}

/// Sections of no bytes are passed over, wherever they say to be.
#[test]
fn empty_sections() {
    let mut elf = elf::image();
    for (name, address) in [(".a", 0), (".b", TEXT + 4), (".c", TEXT)] {
        elf.sections
            .push(Section::new(name, ALLOC | EXEC, address, Vec::new()));
    }
    elf.sections.push(Section {
        kind: NOBITS,
        ..Section::new(".d", ALLOC, TEXT, Vec::new())
    });
    let image = alt_image::image::Image::parse(elf.bytes()).unwrap();
    assert_eq!(image.executable().count(), 1);
    assert_eq!(image.place(TEXT).unwrap().to_string(), "demo::main");
    assert_eq!(crate::patched(elf.bytes()).unwrap().changes.len(), 3);
}
