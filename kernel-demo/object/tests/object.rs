//! The module loader's layout of objects, and each error by which it refuses one. The crate `object`
//! writes the objects.

use demo_object::relocation::RelocationError;
use demo_object::{MAX_SIZE, ObjectError, PAGE, Part};
use elf::abi::{
    R_AARCH64_ABS64, R_AARCH64_CALL26, R_AARCH64_MOVW_UABS_G0, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE,
};
use object::write::{Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionFlags, SectionKind,
    SymbolFlags, SymbolKind, SymbolScope, elf as abi,
};

const ADDRESS: u64 = 0x4030_0000;
const BL: u32 = 0x9400_0000;
const RET: u32 = 0xd65f_03c0;

struct Module(Object<'static>);

impl Module {
    fn new() -> Self {
        let (elf, little) = (BinaryFormat::Elf, Endianness::Little);
        Self(Object::new(elf, Architecture::Aarch64, little))
    }

    fn section(&mut self, name: &str, flags: u32, data: &[u8], align: u64) -> SectionId {
        let name = name.as_bytes().to_vec();
        let section = self.0.add_section(vec![], name, SectionKind::Data);
        self.0.append_section_data(section, data, align);
        let sh_flags = abi::SectionFlags(flags.into());
        self.0.section_mut(section).flags = SectionFlags::Elf {
            sh_type: abi::SHT_PROGBITS,
            sh_flags,
        };
        section
    }

    fn text(&mut self, words: &[u32]) -> SectionId {
        let data = words.iter().flat_map(|word| word.to_le_bytes());
        let data: Vec<_> = data.collect();
        self.section(".text", SHF_ALLOC | SHF_EXECINSTR, &data, 4)
    }

    fn symbol(&mut self, name: &str, section: SymbolSection, value: u64) -> SymbolId {
        self.0.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value,
            size: 8,
            kind: SymbolKind::Data,
            scope: SymbolScope::Linkage,
            weak: false,
            section,
            flags: SymbolFlags::None,
        })
    }

    fn relocation(&mut self, section: SectionId, offset: u64, symbol: SymbolId, kind: u32) {
        let flags = RelocationFlags::Elf {
            r_type: abi::RelocationType(kind),
        };
        let relocation = Relocation {
            offset,
            symbol,
            addend: 4,
            flags,
        };
        self.0.add_relocation(section, relocation).unwrap();
    }

    fn file(&self) -> Vec<u8> {
        self.0.write().unwrap()
    }
}

/// The error of loading a file at `ADDRESS` in a kernel that exports `answer` only.
fn refuse(file: &[u8]) -> ObjectError<'_> {
    let object = match demo_object::Object::parse(file) {
        Ok(object) => object,
        Err(why) => return why,
    };
    let mut memory = vec![0; object.size()];
    object.load(&mut memory, ADDRESS, export).unwrap_err()
}

fn export(name: &str) -> Option<u64> {
    (name == "answer").then_some(ADDRESS + 0x1_0000)
}

/// A module with a section of each part.
fn module() -> Vec<u8> {
    let mut module = Module::new();
    // Not in the order of the parts.
    let data = module.section(".data.x", SHF_ALLOC | SHF_WRITE, &[1; 24], 8);
    module.section("alt_records", SHF_ALLOC, &[2; 24], 4);
    let text = module.text(&[BL, RET]);
    module.section("alt_branches", SHF_ALLOC, &[3; 8], 4);
    module.section(".comment", 0, b"not loaded", 1);
    module.section(".rodata", SHF_ALLOC, &[4; 5], 1);
    module.section(".rodata.wide", SHF_ALLOC, &[5; 32], 32);

    let answer = module.symbol("answer", SymbolSection::Undefined, 0);
    module.relocation(text, 0, answer, R_AARCH64_CALL26);
    let place = module.symbol("place", SymbolSection::Section(text), 4);
    module.relocation(data, 16, place, R_AARCH64_ABS64);
    module.symbol("constant", SymbolSection::Absolute, 7);
    module.file()
}

#[test]
fn each_part_of_other_rights_begins_on_a_page() {
    let file = module();
    let object = demo_object::Object::parse(&file).unwrap();
    assert_eq!(object.part(Part::Text), 0..8);
    assert_eq!(object.part(Part::ReadOnly), PAGE..PAGE + 64);
    assert_eq!(object.part(Part::Data), 2 * PAGE..2 * PAGE + 24);
    assert_eq!(object.part(Part::Branches), 3 * PAGE..3 * PAGE + 8);
    assert_eq!(object.part(Part::Records), 3 * PAGE + 16..3 * PAGE + 40);
    assert_eq!(object.size(), 4 * PAGE);
    assert_eq!(object.find("place"), Some((4, 8)));
    assert_eq!(object.find("answer"), None);
    assert_eq!(object.constant("constant"), Some(7));
    assert_eq!(object.constant("place"), None);

    let mut memory = vec![0; object.size()];
    object.load(&mut memory, ADDRESS, export).unwrap();
    // bl .+0x10004, as encoded by GNU as: the addend is 4.
    assert_eq!(memory[..4], 0x9400_4001_u32.to_le_bytes());
    assert_eq!(memory[4..8], RET.to_le_bytes());
    assert_eq!(memory[PAGE..][..5], [4; 5]);
    assert_eq!(memory[PAGE + 32..][..32], [5; 32]);
    assert_eq!(memory[2 * PAGE..][..16], [1; 16]);
    assert_eq!(memory[2 * PAGE + 16..][..8], (ADDRESS + 8).to_le_bytes());
    assert_eq!(memory[3 * PAGE..][..8], [3; 8]);
    assert_eq!(memory[3 * PAGE + 16..][..24], [2; 24]);
}

/// A file with any byte changed in three ways is loaded or refused, without a panic.
#[test]
fn any_byte_may_be_wrong() {
    let mut file = module();
    let mut refused = 0;
    for at in 0..file.len() {
        for change in [0x01, 0x80, 0xff] {
            file[at] ^= change;
            let loaded = demo_object::Object::parse(&file)
                .and_then(|object| object.load(&mut vec![0; object.size()], ADDRESS, export));
            refused += usize::from(loaded.is_err());
            file[at] ^= change;
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn files_of_another_kind_are_refused() {
    assert!(matches!(refuse(b"no ELF file"), ObjectError::Elf(_)));
    let file = Module::new().file();
    for (field, value) in [(16, 2), (18, 62)] {
        // e_type: an executable; e_machine: x86-64.
        let mut file = file.clone();
        file[field] = value;
        assert!(matches!(refuse(&file), ObjectError::OtherKind));
    }
    // Truncated: the section headers are at the end.
    let mut module = Module::new();
    module.text(&[RET]);
    let file = module.file();
    assert!(matches!(
        refuse(&file[..file.len() - 1]),
        ObjectError::Elf(_)
    ));
}

#[test]
fn too_many_sections_are_refused() {
    let mut module = Module::new();
    for _ in 0..64 {
        module.section(".rodata", SHF_ALLOC, &[0], 1);
    }
    assert!(matches!(refuse(&module.file()), ObjectError::Sections));
}

#[test]
fn sections_that_cannot_be_loaded_are_refused() {
    let wide = 2 * PAGE as u64;
    let all = SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR;
    for (flags, size, align) in [
        (all, 4, 4),
        (SHF_ALLOC, 4, wide),
        (SHF_ALLOC, MAX_SIZE + 1, 1),
    ] {
        let mut module = Module::new();
        module.section("bad", flags, &vec![0; size], align);
        let file = module.file();
        let ObjectError::Section { name } = refuse(&file) else {
            panic!("{flags:#x} {size} {align}");
        };
        assert_eq!(name, "bad");
    }
}

#[test]
fn symbols_that_are_not_there_are_refused() {
    let mut module = Module::new();
    let text = module.text(&[BL]);
    let unknown = module.symbol("unknown", SymbolSection::Undefined, 0);
    module.relocation(text, 0, unknown, R_AARCH64_CALL26);
    let file = module.file();
    let ObjectError::Undefined { symbol } = refuse(&file) else {
        panic!();
    };
    assert_eq!(symbol, "unknown");

    let mut module = Module::new();
    let text = module.text(&[BL]);
    let notes = module.section("notes", 0, &[0; 8], 8);
    let note = module.symbol("note", SymbolSection::Section(notes), 0);
    module.relocation(text, 0, note, R_AARCH64_CALL26);
    let file = module.file();
    let ObjectError::NotLoaded { symbol } = refuse(&file) else {
        panic!();
    };
    assert_eq!(symbol, "note");
}

#[test]
fn bad_relocations_name_symbol_and_type() {
    let mut module = Module::new();
    let text = module.text(&[BL]);
    let answer = module.symbol("answer", SymbolSection::Undefined, 0);
    module.relocation(text, 0, answer, R_AARCH64_MOVW_UABS_G0);
    let file = module.file();
    let why = refuse(&file);
    let ObjectError::Relocation {
        symbol,
        kind,
        error,
    } = &why
    else {
        panic!();
    };
    assert_eq!((*symbol, *kind), ("answer", R_AARCH64_MOVW_UABS_G0));
    assert_eq!(*error, RelocationError::Unsupported);
    assert_eq!(
        why.to_string(),
        "relocation 263 for answer: relocations of this type are not supported"
    );
}
