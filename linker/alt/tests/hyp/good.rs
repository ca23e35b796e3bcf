//! What the object has when all is well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use object::elf::{
    R_AARCH64_ABS64, R_AARCH64_PREL32, SHF_ALLOC, SHF_EXECINSTR, SHF_MERGE, SHF_WRITE,
};
use object::read::elf::ElfFile64;
use object::{
    LittleEndian, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget,
    SectionFlags, SymbolKind,
};

use crate::support::{Bench, MANIFEST};

type Elf<'a> = ElfFile64<'a, LittleEndian>;

fn flags(section: &impl ObjectSection<'static>) -> object::elf::SectionFlags {
    match section.flags() {
        SectionFlags::Elf { sh_flags, .. } => sh_flags,
        other => panic!("{other:?}"),
    }
}

/// Name, and whether it is code, writable, and how large in pages.
fn sections(object: &Path) -> BTreeMap<String, (bool, bool, u64)> {
    let bytes = fs::read(object).unwrap().leak();
    let file = Elf::parse(&*bytes).unwrap();
    assert_eq!(file.kind(), object::ObjectKind::Relocatable);
    let mut sections = BTreeMap::new();
    for section in file
        .sections()
        .filter(|section| flags(section).contains(SHF_ALLOC))
    {
        let name = section.name().unwrap().to_owned();
        let flags = flags(&section);
        assert!(!flags.contains(SHF_MERGE), "{name}");
        if !name.ends_with(".pointers") && name.starts_with(".hyp") {
            assert_eq!(
                (section.align(), section.size() % 4096),
                (4096, 0),
                "{name}"
            );
        }
        let value = (
            flags.contains(SHF_EXECINSTR),
            flags.contains(SHF_WRITE),
            section.size().div_ceil(4096),
        );
        assert_eq!(sections.insert(name, value), None);
    }
    sections
}

#[track_caller]
fn judge_sections(object: &Path) {
    let sections = sections(object);
    let rights = |name: &str| {
        sections
            .get(name)
            .map(|(code, writable, _)| (*code, *writable))
    };
    let expected = [
        (".hyp.nvhe.bss", (false, true)),
        (".hyp.nvhe.data", (false, true)),
        (".hyp.nvhe.data.percpu", (false, true)),
        (".hyp.nvhe.pointers", (false, false)),
        (".hyp.nvhe.rodata", (false, false)),
        (".hyp.nvhe.text", (true, false)),
    ];
    for (name, expected) in expected {
        assert_eq!(rights(name), Some(expected), "{name}");
    }
    assert_eq!(sections.len(), expected.len(), "{sections:?}");
}

#[test]
fn sections_are_those_of_the_namespace() {
    let Some(bench) = Bench::new("sections_are_those_of_the_namespace") else {
        return;
    };
    judge_sections(
        &bench
            .link_as("hyp.nvhe", MANIFEST, &[&bench.library(&[])])
            .unwrap(),
    );
}

/// Bitcode, and what rustc makes for others of its kind.
#[test]
fn inputs_of_every_kind_give_the_same() {
    let Some(bench) = Bench::new("inputs_of_every_kind_give_the_same") else {
        return;
    };
    let library = bench.library(&["-Clinker-plugin-lto"]);
    let bytes = fs::read(&library).unwrap();
    assert!(bytes.windows(4).any(|word| word == b"BC\xc0\xde"));
    judge_sections(&bench.link_as("hyp.nvhe", MANIFEST, &[&library]).unwrap());

    // An rlib has no `core` in it, so that comes with another library.
    let library = bench.library(&[]);
    let source = "#![no_std]\n#[unsafe(no_mangle)]\npub extern \"C\" fn entry(table: &[u8], at: usize) \
                  -> u8 {\n    table[at]\n}\n";
    let rlib = bench.rust(source, "libentry.rlib", &["--crate-type=rlib"]);
    let manifest = MANIFEST.replace("\"init\"", "\"init\", \"entry\"");
    let object = bench
        .link_as("hyp.nvhe", &manifest, &[&rlib, &library])
        .unwrap();
    judge_sections(&object);
    let bytes = fs::read(&object).unwrap();
    let file = Elf::parse(&*bytes).unwrap();
    let entry = file
        .symbols()
        .find(|symbol| symbol.name() == Ok("__hyp_nvhe_entry"));
    assert!(entry.unwrap().is_global());
}

/// What is empty has its rights and its bounds all the same.
#[test]
fn what_is_empty_is_there() {
    let Some(bench) = Bench::new("what_is_empty_is_there") else {
        return;
    };
    let text = ".section .text.init, \"ax\"\n.globl init\ninit: adrp x0, __hyp_rodata_end\nret\n";
    let object = bench.assemble(text, "fixture.o");
    let object = bench.link("exports = [\"init\"]\n", &[&object]).unwrap();
    let expected = [
        (".hyp.bss", (false, true, 0)),
        (".hyp.data", (false, true, 0)),
        (".hyp.pointers", (false, false, 0)),
        (".hyp.rodata", (false, false, 0)),
        (".hyp.text", (true, false, 1)),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(sections(&object), BTreeMap::from(expected));
    let bytes = fs::read(&object).unwrap();
    let file = Elf::parse(&*bytes).unwrap();
    // The bound that the code asked for is there once, and defined.
    let bounds = file
        .symbols()
        .filter(|symbol| symbol.name() == Ok("__hyp_rodata_end"));
    let bounds: Vec<_> = bounds.map(|symbol| symbol.is_undefined()).collect();
    assert_eq!(bounds, [false]);
    assert_eq!(
        file.symbols()
            .filter(|symbol| symbol.is_undefined())
            .count(),
        0
    );
}

#[test]
fn weird_names_land_in_the_right_place() {
    let Some(bench) = Bench::new("weird_names_land_in_the_right_place") else {
        return;
    };
    let mut text = String::new();
    let names = [
        (".text.unlikely.", "ax", ".hyp.text"),
        (".text.$x", "ax", ".hyp.text"),
        (".text._ZN4core3fmt17h0123456789abcdefE", "ax", ".hyp.text"),
        (".rodata..Lanon.12.3", "a", ".hyp.rodata"),
        (".rodata.str1.1", "aMS", ".hyp.rodata"),
        (".rodata", "a", ".hyp.rodata"),
        (".data.rel.ro.table", "aw", ".hyp.data"),
        (".data..percpu", "aw", ".hyp.data"),
        (".bss.COUNT", "aw", ".hyp.bss"),
    ];
    for (index, (section, flags, _)) in names.into_iter().enumerate() {
        let kind = if flags == "aMS" {
            "%progbits, 1"
        } else {
            "%progbits"
        };
        let kind = if section.starts_with(".bss") {
            "%nobits"
        } else {
            kind
        };
        let contents = if kind == "%nobits" {
            ".skip 8"
        } else {
            ".asciz \"1234567\""
        };
        text += &format!(
            ".section {section}, \"{flags}\", {kind}\n.globl mark{index}\nmark{index}: {contents}\n"
        );
    }
    let marks: Vec<_> = (0..names.len())
        .map(|index| format!("\"mark{index}\""))
        .collect();
    let object = bench.assemble(&text, "fixture.o");
    let object = bench
        .link(&format!("exports = [{}]\n", marks.join(", ")), &[&object])
        .unwrap();
    let bytes = fs::read(&object).unwrap();
    let file = Elf::parse(&*bytes).unwrap();
    for (index, (section, _, expected)) in names.into_iter().enumerate() {
        let name = format!("__hyp_mark{index}");
        let symbol = file
            .symbols()
            .find(|symbol| symbol.name() == Ok(&name))
            .unwrap();
        let found = file
            .section_by_index(symbol.section_index().unwrap())
            .unwrap();
        assert_eq!(found.name(), Ok(expected), "{section}");
    }
}

#[test]
fn symbols_are_in_the_namespace() {
    let Some(bench) = Bench::new("symbols_are_in_the_namespace") else {
        return;
    };
    let object = bench
        .link_as("hyp.nvhe", MANIFEST, &[&bench.library(&[])])
        .unwrap();
    let bytes = fs::read(&object).unwrap();
    let file = Elf::parse(&*bytes).unwrap();
    let (mut global, mut readable) = (BTreeSet::new(), 0);
    for symbol in file.symbols() {
        let name = symbol.name().unwrap();
        let special = matches!(symbol.kind(), SymbolKind::File | SymbolKind::Section);
        if special || name.starts_with('$') || name.is_empty() {
            assert!(symbol.is_local(), "{name}");
            continue;
        }
        if symbol.is_undefined() {
            assert_eq!(name, "SHARED");
            continue;
        }
        if !symbol.is_local() {
            assert!(global.insert(name), "{name} is there twice");
        }
        match name.strip_suffix(".hyp.nvhe") {
            // As backtraces show it: the same, with the namespace as a suffix.
            Some(mangled) => {
                let before = rustc_demangle::try_demangle(mangled).unwrap();
                let after = rustc_demangle::try_demangle(name).unwrap();
                assert!(
                    format!("{after:#}").starts_with(&format!("{before:#}")),
                    "{name}"
                );
                readable += 1;
            }
            None => assert!(name.starts_with("__hyp_nvhe_"), "{name}"),
        }
    }
    assert!(readable > 5);
    let bounds = ["text", "rodata", "data", "data_percpu", "bss", "pointers"];
    let bounds = bounds
        .iter()
        .flat_map(|section| ["start", "end"].map(|end| format!("__hyp_nvhe_{section}_{end}")));
    let exports = ["__hyp_nvhe_vectors", "__hyp_nvhe_init"].map(String::from);
    let expected: BTreeSet<String> = bounds.chain(exports).collect();
    assert_eq!(global, expected.iter().map(String::as_str).collect());
}

/// The word after `ret` of `constant` is a NOP if it is disassembled as code.
#[test]
fn literals_stay_data() {
    let Some(bench) = Bench::new("literals_stay_data") else {
        return;
    };
    let object = bench
        .link_as("hyp.nvhe", MANIFEST, &[&bench.library(&[])])
        .unwrap();
    let bytes = fs::read(&object).unwrap();
    let file = Elf::parse(&*bytes).unwrap();
    let named = |name| {
        file.symbols()
            .find(|symbol| symbol.name() == Ok(name))
            .unwrap()
    };
    let constant = named("__hyp_nvhe_constant");
    let literal = constant.address() + 8;
    let mapping = file.symbols().filter(|symbol| {
        symbol.section() == constant.section() && symbol.name().unwrap().starts_with('$')
    });
    let kinds: BTreeMap<u64, &str> = mapping.map(|s| (s.address(), s.name().unwrap())).collect();
    assert_eq!(kinds.get(&literal), Some(&"$d"));
    assert_eq!(
        kinds.range(..=constant.address()).next_back().unwrap().1,
        &"$x"
    );
    let text = file.section_by_name(".hyp.nvhe.text").unwrap();
    let offset = usize::try_from(literal).unwrap();
    assert_eq!(
        text.data().unwrap()[offset..offset + 8],
        0xd503_201f_d503_201f_u64.to_le_bytes()
    );
}

/// The sites of absolute pointers, as section and offset.
fn absolute(file: &Elf<'_>) -> BTreeSet<(String, u64)> {
    let mut sites = BTreeSet::new();
    for section in file.sections() {
        let name = section.name().unwrap();
        for (offset, relocation) in section.relocations() {
            let kind = RelocationFlags::Elf {
                r_type: R_AARCH64_ABS64,
            };
            if name.starts_with(".hyp") && relocation.flags() == kind {
                sites.insert((name.to_owned(), offset));
            }
        }
    }
    sites
}

#[test]
fn the_table_of_pointers_has_each_of_them() {
    let Some(bench) = Bench::new("the_table_of_pointers_has_each_of_them") else {
        return;
    };
    let object = bench
        .link_as("hyp.nvhe", MANIFEST, &[&bench.library(&[])])
        .unwrap();
    let bytes = fs::read(&object).unwrap();
    let file = Elf::parse(&*bytes).unwrap();
    let table = file.section_by_name(".hyp.nvhe.pointers").unwrap();
    let mut listed = Vec::new();
    for (index, (offset, relocation)) in table.relocations().enumerate() {
        assert_eq!(offset, index as u64 * 4);
        let kind = RelocationFlags::Elf {
            r_type: R_AARCH64_PREL32,
        };
        assert_eq!(relocation.flags(), kind);
        let RelocationTarget::Symbol(symbol) = relocation.target() else {
            panic!("{relocation:?}");
        };
        let symbol = file.symbol_by_index(symbol).unwrap();
        let section = file
            .section_by_index(symbol.section_index().unwrap())
            .unwrap();
        let at = symbol.address().wrapping_add_signed(relocation.addend());
        listed.push((section.name().unwrap().to_owned(), at));
    }
    assert_eq!(table.size(), listed.len() as u64 * 4);
    let sites = absolute(&file);
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), sites);
    assert_eq!(listed.len(), sites.len());
    let sections: BTreeSet<&str> = sites.iter().map(|(section, _)| section.as_str()).collect();
    assert_eq!(
        sections,
        BTreeSet::from([".hyp.nvhe.data", ".hyp.nvhe.rodata"])
    );
}

#[test]
fn an_old_object_stays_until_there_is_a_new_one() {
    let Some(bench) = Bench::new("an_old_object_stays_until_there_is_a_new_one") else {
        return;
    };
    let library = bench.library(&[]);
    let out = bench.write("out.o", "old");
    bench
        .link("exports = [\"nobody\"]\n", &[&library])
        .unwrap_err();
    assert_eq!(fs::read(&out).unwrap(), b"old");
    bench.link(MANIFEST, &[&library]).unwrap();
    assert!(fs::read(&out).unwrap().starts_with(b"\x7fELF"));
    let names = fs::read_dir(bench.dir.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        !names
            .iter()
            .any(|name| name.to_string_lossy().ends_with(".part")),
        "{names:?}"
    );
}

#[test]
fn the_object_is_the_same_each_time() {
    let Some(bench) = Bench::new("the_object_is_the_same_each_time") else {
        return;
    };
    let library = bench.library(&[]);
    let first = fs::read(bench.link(MANIFEST, &[&library]).unwrap()).unwrap();
    let output = bench.alt(MANIFEST, &[&library]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    assert!(first == fs::read(bench.path("out.o")).unwrap());
}
