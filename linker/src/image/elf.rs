//! From the bytes of an ELF file to an [`Image`].

use std::ops::Range;

use object::elf::{self, FileHeader64, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS, SHF_WRITE};
use object::read::elf::{FileHeader, Rela, SectionHeader, SectionTable, Sym};
use object::{LittleEndian, SectionIndex};

use super::{Image, ImageError, Relocation, Section, Symbol, Symbols};

type Header = FileHeader64<LittleEndian>;
type Sections<'a> = SectionTable<'a, Header>;

const LE: LittleEndian = LittleEndian;

pub(super) fn parse(data: Vec<u8>) -> Result<Image, ImageError> {
    check_identity(&data)?;
    let bytes = data.as_slice();
    let header = Header::parse(bytes).map_err(truncated("the header"))?;
    if header.e_machine.get(LE) != elf::EM_AARCH64 {
        return Err(ImageError::Machine(header.e_machine.get(LE).0));
    }
    let linked = [elf::ET_EXEC, elf::ET_DYN];
    if !linked.contains(&header.e_type.get(LE)) {
        return Err(ImageError::Type(header.e_type.get(LE).0));
    }
    let table = header
        .sections(LE, bytes)
        .map_err(truncated("the section headers"))?;
    if table.len() <= 1 {
        return Err(ImageError::NoSections);
    }
    let sections = table
        .iter()
        .map(|header| section(&table, header, bytes))
        .collect::<Result<Vec<_>, _>>()?;
    check_file_ranges(&sections)?;
    let loaded = loaded(&sections)?;
    let symbols = symbols(&table, &sections, bytes)?;
    let (relocations, pointers) = relocations(&table, &sections, bytes)?;
    Ok(Image {
        entry: header.e_entry.get(LE),
        sections,
        loaded,
        symbols,
        relocations,
        pointers,
        data,
    })
}

/// Class and byte order come first: the rest of the header depends on them.
fn check_identity(data: &[u8]) -> Result<(), ImageError> {
    if !data.starts_with(&elf::ELFMAG) {
        return Err(ImageError::NotElf);
    }
    let (Some(class), Some(order)) = (data.get(4), data.get(5)) else {
        return Err(ImageError::Truncated("the header".into()));
    };
    if *class != elf::ELFCLASS64.0 {
        return Err(ImageError::Class);
    }
    if *order != elf::ELFDATA2LSB.0 {
        return Err(ImageError::BigEndian);
    }
    Ok(())
}

fn truncated(what: &str) -> impl Fn(object::read::Error) -> ImageError {
    move |error| ImageError::Truncated(format!("{what}: {error}"))
}

fn section(
    table: &Sections<'_>,
    header: &elf::SectionHeader64<LittleEndian>,
    data: &[u8],
) -> Result<Section, ImageError> {
    let name = table
        .section_name(LE, header)
        .map_err(truncated("a section's name"))?;
    let name = String::from_utf8_lossy(name).into_owned();
    let (kind, flags) = (header.sh_type(LE), header.sh_flags(LE));
    let (address, size) = (header.sh_addr(LE), header.sh_size(LE));
    let null = kind == elf::SHT_NULL;
    let loaded = flags.contains(SHF_ALLOC) && !null;
    let Some(end) = address.checked_add(size).filter(|_| !null) else {
        if null {
            return Ok(Section::null());
        }
        return Err(ImageError::Wraps {
            section: name,
            address,
        });
    };
    let file = match kind == elf::SHT_NOBITS {
        true => 0..0,
        false => match file_range(header.sh_offset(LE), size, data.len()) {
            Some(range) => range,
            None => {
                return Err(ImageError::PastEnd {
                    section: name,
                    offset: header.sh_offset(LE),
                    size,
                });
            }
        },
    };
    Ok(Section {
        name,
        range: address..end,
        file,
        loaded,
        executable: flags.contains(SHF_EXECINSTR),
        writable: flags.contains(SHF_WRITE),
        thread_local: flags.contains(SHF_TLS),
    })
}

fn file_range(offset: u64, size: u64, len: usize) -> Option<Range<usize>> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(size).ok()?)?;
    (end <= len).then_some(start..end)
}

/// No two sections share bytes of the file: one would change with the other.
fn check_file_ranges(sections: &[Section]) -> Result<(), ImageError> {
    let mut ranges: Vec<_> = sections.iter().filter(|s| s.has_bytes()).collect();
    ranges.sort_by_key(|section| section.file.start);
    match ranges
        .windows(2)
        .find(|pair| pair[1].file.start < pair[0].file.end)
    {
        Some(pair) => Err(overlap(pair, pair[1].file.start as u64)),
        None => Ok(()),
    }
}

/// The loaded sections by address, which do not overlap.
fn loaded(sections: &[Section]) -> Result<Vec<usize>, ImageError> {
    let mut loaded: Vec<usize> = (0..sections.len())
        .filter(|index| {
            let section = &sections[*index];
            section.loaded && !section.range.is_empty() && !section.thread_local
        })
        .collect();
    loaded.sort_by_key(|index| sections[*index].range.start);
    for pair in loaded.windows(2) {
        let pair = [&sections[pair[0]], &sections[pair[1]]];
        if pair[1].range.start < pair[0].range.end {
            return Err(overlap(&pair, pair[1].range.start));
        }
    }
    Ok(loaded)
}

fn overlap(pair: &[&Section], at: u64) -> ImageError {
    ImageError::Overlap {
        first: pair[0].name.clone(),
        second: pair[1].name.clone(),
        at,
    }
}

fn symbols(table: &Sections<'_>, sections: &[Section], data: &[u8]) -> Result<Symbols, ImageError> {
    let (mut symbols, mut mapping) = (Vec::new(), Vec::new());
    let read = table
        .symbols(LE, data, elf::SHT_SYMTAB)
        .map_err(truncated("the symbol table"))?;
    for symbol in read.iter() {
        let index = symbol.st_shndx(LE);
        let kind = symbol.st_type();
        if index == elf::SHN_UNDEF || [elf::STT_FILE, elf::STT_SECTION].contains(&kind) {
            continue;
        }
        let name = read
            .symbol_name(LE, symbol)
            .map_err(truncated("a symbol's name"))?;
        let start = symbol.st_value(LE);
        // Mapping symbols: ELF for the Arm 64-bit Architecture, 5.5.2.
        // `objcopy --prefix-symbols`, as for Linux's hypervisor, puts its prefix before them.
        let at = if kind == elf::STT_NOTYPE {
            dollar(name)
        } else {
            0
        };
        if let Some([b'$', class @ (b'x' | b'd'), rest @ ..]) = name.get(at..) {
            let executable = |section: &Section| section.executable;
            let section = sections.get(usize::from(index.0));
            if (rest.is_empty() || rest[0] == b'.') && section.is_some_and(executable) {
                mapping.push((start, *class == b'd'));
            }
            continue;
        }
        // The assembler's local labels name no place.
        if name.is_empty() || name.starts_with(b".L") {
            continue;
        }
        symbols.push(Symbol {
            name: String::from_utf8_lossy(name).into_owned(),
            range: start..start.saturating_add(symbol.st_size(LE)),
            function: kind == elf::STT_FUNC,
            absolute: index == elf::SHN_ABS,
        });
    }
    Ok(Symbols::new(symbols, mapping))
}

/// Where the last `$` of a name is, if `x` or `d` ends the name behind it; else 0.
fn dollar(name: &[u8]) -> usize {
    match name {
        [prefix @ .., b'$', b'x' | b'd'] => prefix.len(),
        _ => 0,
    }
}

/// What a loader makes an address of.
const POINTERS: [u32; 2] = [elf::R_AARCH64_RELATIVE.0, elf::R_AARCH64_ABS64.0];

/// The relocations of loaded sections, and those for a loader (`.rela.dyn`), which are loaded
/// themselves and name no section.
fn relocations(
    table: &Sections<'_>,
    sections: &[Section],
    data: &[u8],
) -> Result<(Vec<Relocation>, Vec<Relocation>), ImageError> {
    let (mut relocations, mut pointers) = (Vec::new(), Vec::new());
    for header in table.iter() {
        let target = sections.get(header.sh_info(LE) as usize);
        let for_loader = header.sh_flags(LE).contains(SHF_ALLOC);
        if !for_loader && !target.is_some_and(|section| section.loaded) {
            continue;
        }
        let read = header
            .rela(LE, data)
            .map_err(truncated("a relocation section"))?;
        let Some((rows, link)) = read else { continue };
        if link == SectionIndex(0) {
            continue;
        }
        let symbols = table
            .symbol_table_by_index(LE, data, link)
            .map_err(truncated("the symbols of a relocation section"))?;
        for row in rows {
            let symbol = Rela::symbol(row, LE, false);
            let (value, name) = match symbol {
                None => (0, String::new()),
                Some(index) => {
                    let symbol = symbols
                        .symbol(index)
                        .map_err(truncated("the symbol of a relocation"))?;
                    let name = symbols
                        .symbol_name(LE, symbol)
                        .map_err(truncated("a symbol's name"))?;
                    let own = sections.get(usize::from(symbol.st_shndx(LE).0));
                    let value = match symbol.st_type() {
                        // lld keeps one for each input section, and counts addends from the
                        // start of the output section all the same, as GNU ld does.
                        elf::STT_SECTION => own.map_or(0, |section| section.range.start),
                        _ => symbol.st_value(LE),
                    };
                    (value, String::from_utf8_lossy(name).into_owned())
                }
            };
            let relocation = Relocation {
                at: row.r_offset(LE),
                kind: row.r_type(LE, false).0,
                target: value.wrapping_add_signed(row.r_addend(LE)),
                symbol: name,
            };
            if !for_loader {
                relocations.push(relocation);
            } else if POINTERS.contains(&relocation.kind) {
                pointers.push(relocation);
            }
        }
    }
    relocations.sort_by_key(|relocation| relocation.at);
    pointers.sort_by_key(|relocation| relocation.at);
    Ok((relocations, pointers))
}
