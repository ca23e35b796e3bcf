//! The ELF file of a payload. Sections and symbols are for debuggers; the loader reads segments.

use alt_runtime::livepatch::format::PT_DESCRIPTION;
use object::elf::{self, SectionFlags, SectionType, SymbolInfo};
use object::write::elf::{FileHeader, ProgramHeader, SectionHeader, SectionIndex, Sym, Writer};
use object::{Endianness, write::StringId};

use super::place::Segment;
use super::{LOG_STRINGS, PayloadBuildError};

/// A symbol.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// The name.
    pub name: String,
    /// The segment, or the log strings.
    pub place: Place,
    /// The offset from the base; the index of a log string.
    pub value: u64,
    /// The size in bytes.
    pub size: u64,
    /// Whether it is code.
    pub is_function: bool,
}

/// The section of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Executable, read-only or writable.
    Segment(usize),
    /// The table of log strings.
    LogStrings,
}

/// Writes the file, and returns it with the offset of the description in it. The description's own
/// offsets are final.
pub fn write(
    segments: &[Segment; 3],
    description: &[u8],
    symbols: &[Symbol],
) -> Result<(Vec<u8>, usize), PayloadBuildError> {
    // The writer panics otherwise.
    if let Some(symbol) = symbols.iter().find(|symbol| symbol.name.contains('\0')) {
        let name = symbol.name.escape_debug();
        let why = format!("the symbol {name} contains a zero");
        return Err(PayloadBuildError::Write(why));
    }
    let failed = |error: object::write::Error| PayloadBuildError::Write(error.to_string());
    let mut file = Vec::new();
    let mut writer = Writer::new(Endianness::Little, true, &mut file);
    let loaded: Vec<_> = (0..3).filter(|index| segments[*index].size != 0).collect();
    let strings: Vec<_> = symbols
        .iter()
        .filter(|s| s.place == Place::LogStrings)
        .collect();
    let log_range = match (
        strings.iter().map(|s| s.value).min(),
        strings.iter().map(|s| s.value).max(),
    ) {
        (Some(first), Some(last)) => Some(first..last + 1),
        _ => None,
    };

    writer.reserve_file_header();
    writer.reserve_program_headers(loaded.len() as u32 + 1);
    let mut offsets = [0; 3];
    for index in &loaded {
        offsets[*index] = writer.reserve(segments[*index].bytes.len() as u64, 16);
    }
    let description_at = writer.reserve(description.len() as u64, 8);
    let log_at = writer.reserve(
        log_range
            .as_ref()
            .map_or(0, |range| range.end - range.start),
        1,
    );

    writer.reserve_null_section_index();
    let mut sections: Vec<(StringId, SectionIndex)> = Vec::new();
    for index in &loaded {
        let name: &[u8] = [&b".text"[..], b".rodata", b".data"][*index];
        sections.push((
            writer.add_section_name(name),
            writer.reserve_section_index(),
        ));
    }
    let description_name = writer.add_section_name(b".alt_livepatch");
    writer.reserve_section_index();
    let log_section = log_range.as_ref().map(|_| {
        (
            writer.add_section_name(LOG_STRINGS.as_bytes()),
            writer.reserve_section_index(),
        )
    });
    writer.reserve_symtab_section_index();
    writer.reserve_strtab_section_index();
    writer.reserve_shstrtab_section_index();
    writer.reserve_null_symbol_index();
    let mut names = Vec::new();
    for symbol in symbols {
        names.push(writer.add_string(symbol.name.as_bytes()));
        writer.reserve_symbol_index(None);
    }
    writer.reserve_symtab();
    writer.reserve_strtab().map_err(failed)?;
    writer.reserve_shstrtab().map_err(failed)?;
    writer.reserve_section_headers();

    let header = FileHeader {
        os_abi: elf::ELFOSABI_NONE,
        abi_version: 0,
        e_type: elf::ET_DYN,
        e_machine: elf::EM_AARCH64,
        e_entry: 0,
        e_flags: elf::FileFlags(0),
    };
    writer.write_file_header(&header).map_err(failed)?;
    writer.write_align_program_headers();
    for index in &loaded {
        let segment = &segments[*index];
        writer.write_program_header(&ProgramHeader {
            p_type: elf::PT_LOAD,
            p_flags: [elf::PF_R | elf::PF_X, elf::PF_R, elf::PF_R | elf::PF_W][*index],
            p_offset: offsets[*index],
            p_vaddr: segment.start,
            p_paddr: segment.start,
            p_filesz: segment.bytes.len() as u64,
            p_memsz: segment.size,
            p_align: 16,
        });
    }
    writer.write_program_header(&ProgramHeader {
        p_type: elf::ProgramType(PT_DESCRIPTION),
        p_flags: elf::PF_R,
        p_offset: description_at,
        p_vaddr: 0,
        p_paddr: 0,
        p_filesz: description.len() as u64,
        p_memsz: 0,
        p_align: 8,
    });
    for index in &loaded {
        writer.write_align(16);
        writer.write(&segments[*index].bytes);
    }
    writer.write_align(8);
    writer.write(description);
    if let Some(range) = &log_range {
        writer.write(&vec![0; (range.end - range.start) as usize]);
    }
    writer.write_null_symbol();
    for (symbol, name) in symbols.iter().zip(&names) {
        let section = match symbol.place {
            Place::Segment(index) => loaded
                .iter()
                .position(|there| *there == index)
                .and_then(|at| sections.get(at))
                .map(|(_, section)| *section),
            Place::LogStrings => log_section.map(|(_, section)| section),
        };
        let kind = match symbol.is_function {
            true => elf::STT_FUNC,
            false => elf::STT_OBJECT,
        };
        let st_name = writer.string_offset(Some(*name));
        writer.write_symbol(&Sym {
            section: section.map(|section| section.0),
            st_name,
            st_info: SymbolInfo::new(elf::STB_LOCAL, kind),
            st_other: elf::SymbolOther(0),
            st_shndx: elf::SymbolSection(0),
            st_value: symbol.value,
            st_size: symbol.size,
        });
    }
    writer.write_strtab();
    writer.write_shstrtab();

    writer.write_null_section_header();
    let progbits =
        |name, kind: SectionType, flags: SectionFlags, start, offset, size, align| SectionHeader {
            sh_name: name,
            sh_type: kind,
            sh_flags: flags,
            sh_addr: start,
            sh_offset: offset,
            sh_size: size,
            sh_link: 0,
            sh_info: 0,
            sh_addralign: align,
            sh_entsize: 0,
        };
    for (index, (name, _)) in loaded.iter().zip(&sections) {
        let segment = &segments[*index];
        let flags = [
            elf::SHF_ALLOC | elf::SHF_EXECINSTR,
            elf::SHF_ALLOC,
            elf::SHF_ALLOC | elf::SHF_WRITE,
        ][*index];
        let all_zero = segment.bytes.is_empty();
        let kind = if all_zero {
            elf::SHT_NOBITS
        } else {
            elf::SHT_PROGBITS
        };
        // The section has the bytes of the segment that are in the file. If there are none, it has the
        // zeros of the memory.
        let size = if all_zero {
            segment.size
        } else {
            segment.bytes.len() as u64
        };
        let name = writer.section_name_offset(Some(*name));
        writer.write_section_header(&progbits(
            name,
            kind,
            flags,
            segment.start,
            offsets[*index],
            size,
            16,
        ));
    }
    let none = SectionFlags(0);
    let name = writer.section_name_offset(Some(description_name));
    let size = description.len() as u64;
    writer.write_section_header(&progbits(
        name,
        elf::SHT_PROGBITS,
        none,
        0,
        description_at,
        size,
        8,
    ));
    if let (Some((name, _)), Some(range)) = (&log_section, &log_range) {
        let name = writer.section_name_offset(Some(*name));
        let size = range.end - range.start;
        writer.write_section_header(&progbits(
            name,
            elf::SHT_PROGBITS,
            none,
            range.start,
            log_at,
            size,
            1,
        ));
    }
    writer.write_symtab_section_header(symbols.len() as u32 + 1);
    writer.write_strtab_section_header();
    writer.write_shstrtab_section_header();
    Ok((file, description_at as usize))
}
