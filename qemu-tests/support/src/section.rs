//! Sections that an image does not load.

use object::read::elf::{ElfFile64, FileHeader};
use object::{Endianness, Object, ObjectSection, SectionFlags, elf};

/// The bytes of the section `name` of an ELF file.
///
/// # Panics
/// If the file does not have exactly one section of this name, or if that is allocated, has an
/// address, or is in a segment.
pub fn unloaded_section(file: &[u8], name: &str) -> Vec<u8> {
    let elf = ElfFile64::<Endianness>::parse(file).expect("an ELF file");
    let mut found = elf.sections().filter(|section| section.name() == Ok(name));
    let section = found.next().expect("the section is there");
    assert!(found.next().is_none(), "two sections {name}");
    let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
        panic!("an ELF file");
    };
    let allocated = (sh_flags & elf::SHF_ALLOC).0;
    assert_eq!((allocated, section.address()), (0, 0));
    let (offset, size) = section.file_range().expect("the section has bytes");
    let headers = elf.elf_header().program_headers(Endianness::Little, file);
    for header in headers.expect("the program headers are in the file") {
        let start = header.p_offset.get(Endianness::Little);
        let end = start + header.p_filesz.get(Endianness::Little);
        let is_in_segment = offset < end && start < offset + size;
        assert!(!is_in_segment, "{name} is in a segment");
    }
    section.data().expect("the section is in the file").to_vec()
}
