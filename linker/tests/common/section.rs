//! The section `.alt_cpucaps` of an image.

use alt_linker::caps::Caps;
use object::read::elf::{ElfFile64, FileHeader};
use object::{Endianness, Object, ObjectSection, SectionFlags, elf};

/// Its bytes. It must be the only one of its name, not allocated, and in no segment.
pub fn only(image: &[u8]) -> Vec<u8> {
    let file = ElfFile64::<Endianness>::parse(image).unwrap();
    let mut found = file
        .sections()
        .filter(|section| section.name() == Ok(Caps::SECTION));
    let section = found.next().expect("the section is there");
    assert!(found.next().is_none(), "once");
    let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
        panic!("an ELF file");
    };
    let allocated = (sh_flags & elf::SHF_ALLOC).0;
    assert_eq!((allocated, section.address()), (0, 0));
    let (offset, size) = section.file_range().unwrap();
    let headers = file.elf_header().program_headers(Endianness::Little, image);
    for header in headers.unwrap() {
        let start = header.p_offset.get(Endianness::Little);
        let end = start + header.p_filesz.get(Endianness::Little);
        assert!(offset + size <= start || end <= offset, "in no segment");
    }
    section.data().unwrap().to_vec()
}
