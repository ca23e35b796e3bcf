//! The ELF reader for linked images.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use alt_object::display;
use object::LittleEndian;
use object::elf::{self, FileHeader64, PF_W, PF_X, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS, SHF_WRITE};
use object::read::elf::{FileHeader, ProgramHeader, Rela, SectionHeader, SectionTable, Sym};

use super::section::COPY_PREFIX;

use super::{Image, ImageError, Relocation, Section, Segment, Symbol, Symbols};

type Header = FileHeader64<LittleEndian>;
type Sections<'a> = SectionTable<'a, Header>;

const LE: LittleEndian = LittleEndian;

/// The longest name of a symbol, in bytes: far longer than those of any compiler.
const MAX_NAME: usize = 1 << 16;

/// No section may extend beyond this address: kernels leave the last page unused, because small
/// negative numbers are error codes. So adding a few words to an address does not wrap.
pub(super) const LAST_PAGE: u64 = 0xffff_ffff_ffff_f000;

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
    let mut names = Names::new(bytes.len());
    let sections = table
        .iter()
        .map(|header| section(&table, header, bytes, &mut names))
        .collect::<Result<Vec<_>, _>>()?;
    check_file_ranges(header, &sections)?;
    check_text(&sections)?;
    let loaded = loaded(&sections)?;
    let segments = segments(header, bytes)?;
    let symbols = symbols(&table, &sections, bytes, &mut names)?;
    let (relocations, mut pointers) = relocations(&table, &sections, bytes, &mut names)?;
    pointers.extend(packed(&table, &sections, &loaded, bytes)?);
    pointers.sort_by_key(|relocation| relocation.at);
    Ok(Image {
        entry: header.e_entry.get(LE),
        sections,
        loaded,
        segments,
        symbols,
        relocations,
        pointers,
        relocatable: None,
        data,
    })
}

/// Class and byte order come first: the rest of the header depends on them.
pub(super) fn check_identity(data: &[u8]) -> Result<(), ImageError> {
    if alt_object::inputs::is_bitcode(data) {
        return Err(ImageError::Bitcode);
    }
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

/// A limit for the names that are copied from a file. String tables may share bytes, so a small
/// file can contain an unlimited amount of names.
pub(super) struct Names {
    /// The number of bytes that may still be copied.
    left: usize,
}

impl Names {
    /// The limit as a multiple of the length of the file; linkers stay far below.
    const TIMES: usize = 16;

    pub(super) fn new(file: usize) -> Self {
        Self {
            left: file.saturating_mul(Self::TIMES),
        }
    }

    pub(super) fn copy(&mut self, name: &[u8]) -> Result<String, ImageError> {
        if name.len() > MAX_NAME {
            return Err(ImageError::Name(name.len()));
        }
        self.left = self
            .left
            .checked_sub(name.len())
            .ok_or(ImageError::Names(Self::TIMES))?;
        Ok(display::printable(name))
    }
}

fn truncated(what: &str) -> impl Fn(object::read::Error) -> ImageError {
    move |error| ImageError::Truncated(format!("{what}: {error}"))
}

fn section(
    table: &Sections<'_>,
    header: &elf::SectionHeader64<LittleEndian>,
    data: &[u8],
    names: &mut Names,
) -> Result<Section, ImageError> {
    let name = table
        .section_name(LE, header)
        .map_err(truncated("a section's name"))?;
    let name = names.copy(name)?;
    let (kind, flags) = (header.sh_type(LE), header.sh_flags(LE));
    let (address, size) = (header.sh_addr(LE), header.sh_size(LE));
    let null = kind == elf::SHT_NULL;
    let loaded = flags.contains(SHF_ALLOC);
    if null {
        return Ok(Section::null());
    }
    let end = address.checked_add(size).filter(|end| *end <= LAST_PAGE);
    let Some(end) = end else {
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

/// Refuses sections that share bytes of the file with each other or with the headers: writing one
/// would change the other.
fn check_file_ranges(header: &Header, sections: &[Section]) -> Result<(), ImageError> {
    let headers = |start: u64, size: u16, count: usize| {
        let size = u64::from(size).saturating_mul(count as u64);
        start..start.saturating_add(size)
    };
    let programs = headers(
        header.e_phoff.get(LE),
        header.e_phentsize.get(LE),
        header.e_phnum.get(LE).into(),
    );
    let table = headers(
        header.e_shoff.get(LE),
        header.e_shentsize.get(LE),
        sections.len(),
    );
    let sections = sections.iter().filter(|section| section.has_bytes());
    let sections = sections.map(|section| {
        let Range { start, end } = section.file;
        (start as u64..end as u64, section.name.as_str())
    });
    let headers = [
        (0..size_of::<Header>() as u64, "(the ELF header)"),
        (programs, "(the program headers)"),
        (table, "(the section headers)"),
    ];
    let mut ranges: Vec<_> = headers.into_iter().chain(sections).collect();
    ranges.retain(|(range, _)| !range.is_empty());
    ranges.sort_by_key(|(range, _)| range.start);
    for pair in ranges.windows(2) {
        let [(first, first_name), (second, second_name)] = pair else {
            continue;
        };
        if second.start < first.end {
            return Err(overlap(first_name, second_name, second.start));
        }
    }
    Ok(())
}

/// Refuses an image without the bytes of its text: every check of it would pass.
fn check_text(sections: &[Section]) -> Result<(), ImageError> {
    let is_text =
        |section: &&Section| section.loaded && section.executable && !section.range.is_empty();
    let mut text = sections.iter().filter(is_text);
    let has_bytes = |section: &Section| !section.file.is_empty();
    match text.clone().next() {
        Some(first) if !text.any(has_bytes) => Err(ImageError::NoTextBytes {
            section: first.name.clone(),
        }),
        _ => Ok(()),
    }
}

/// The loaded sections by address. Overlapping ones are an error.
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
            let [first, second] = pair;
            return Err(overlap(&first.name, &second.name, second.range.start));
        }
    }
    Ok(loaded)
}

/// The segments that occupy memory. An end that would wrap is clamped to the end of the address
/// space.
fn segments(header: &Header, data: &[u8]) -> Result<Vec<Segment>, ImageError> {
    let headers = header
        .program_headers(LE, data)
        .map_err(truncated("the program headers"))?;
    let loaded = headers
        .iter()
        .filter(|header| header.p_type(LE) == elf::PT_LOAD && header.p_memsz(LE) != 0);
    let segments = loaded.map(|header| {
        let (start, flags) = (header.p_vaddr(LE), header.p_flags(LE));
        Segment {
            range: start..start.saturating_add(header.p_memsz(LE)),
            writable: flags.contains(PF_W),
            executable: flags.contains(PF_X),
        }
    });
    Ok(segments.collect())
}

fn overlap(first: &str, second: &str, at: u64) -> ImageError {
    ImageError::Overlap {
        first: first.into(),
        second: second.into(),
        at,
    }
}

fn symbols(
    table: &Sections<'_>,
    sections: &[Section],
    data: &[u8],
    names: &mut Names,
) -> Result<Symbols, ImageError> {
    let (mut symbols, mut mapping) = (Vec::new(), Vec::new());
    let has_table = |kind| table.iter().any(|header| header.sh_type(LE) == kind);
    // A vDSO has only the symbols for its loader. In a stripped image, those without a size would
    // cover everything up to the next one.
    let for_loader = !has_table(elf::SHT_SYMTAB);
    let kind = match for_loader {
        true => elf::SHT_DYNSYM,
        false => elf::SHT_SYMTAB,
    };
    let read = table
        .symbols(LE, data, kind)
        .map_err(truncated("the symbol table"))?;
    for symbol in read.iter() {
        if for_loader && symbol.st_size(LE) == 0 {
            continue;
        }
        let index = symbol.st_shndx(LE);
        let kind = symbol.st_type();
        // The value of a thread-local symbol is an offset into the template, not an address.
        let no_place = [elf::STT_FILE, elf::STT_SECTION, elf::STT_TLS];
        if index == elf::SHN_UNDEF || no_place.contains(&kind) {
            continue;
        }
        let name = read
            .symbol_name(LE, symbol)
            .map_err(truncated("a symbol's name"))?;
        let start = symbol.st_value(LE);
        if let Some(data) = mapping_symbol(name).filter(|_| kind == elf::STT_NOTYPE) {
            let section = sections.get(usize::from(index.0));
            if section.is_some_and(|section| section.executable) {
                mapping.push((start, data));
            }
            continue;
        }
        // Local labels of the assembler are left out.
        if name.is_empty() || name.starts_with(b".L") {
            continue;
        }
        symbols.push(Symbol {
            name: names.copy(name)?,
            range: start..start.saturating_add(symbol.st_size(LE)),
            function: kind == elf::STT_FUNC,
            absolute: index == elf::SHN_ABS,
        });
    }
    Ok(Symbols::new(symbols, mapping))
}

/// Whether a name is that of a mapping symbol, and if so, whether of data: `$x`, `$d`, `$d.1` (ELF
/// for the Arm 64-bit Architecture, 5.5.2). `objcopy --prefix-symbols`, which Linux uses for its
/// hypervisor, adds its prefix to them.
pub(super) fn mapping_symbol(name: &[u8]) -> Option<bool> {
    let dollar = name.iter().rposition(|byte| *byte == b'$')?;
    match &name[dollar..] {
        [_, b'x'] | [_, b'x', b'.', ..] => Some(false),
        [_, b'd'] | [_, b'd', b'.', ..] => Some(true),
        _ => None,
    }
}

/// The relocation of a loader for an address.
const POINTERS: [u32; 2] = [elf::R_AARCH64_RELATIVE.0, elf::R_AARCH64_ABS64.0];

/// Whether relocations of a section are at addresses of the image: it is loaded, or the copy of a
/// table that a finished one has replaced.
fn has_addresses(section: &Section) -> bool {
    section.loaded || section.name.starts_with(COPY_PREFIX)
}

/// The relocations of loaded sections, and those for a loader (`.rela.dyn`), which are loaded and
/// not for one section.
fn relocations(
    table: &Sections<'_>,
    sections: &[Section],
    data: &[u8],
    names: &mut Names,
) -> Result<(Vec<Relocation>, Vec<Relocation>), ImageError> {
    let (mut relocations, mut pointers) = (Vec::new(), Vec::new());
    let mut tables = HashMap::new();
    for header in table.iter() {
        let target = sections.get(header.sh_info(LE) as usize);
        let for_loader = header.sh_flags(LE).contains(SHF_ALLOC);
        if !for_loader && !target.is_some_and(has_addresses) {
            continue;
        }
        let read = header
            .rela(LE, data)
            .map_err(truncated("a relocation section"))?;
        let Some((rows, link)) = read else { continue };
        // A loader's relocations count symbols in .dynsym. Where the script discards .dynsym, as
        // Linux's does, GNU ld links them to .symtab or to no section, and the indices of weak
        // undefined symbols stay. Linux applies only relocations without a symbol.
        let linked = table.section(link);
        let symbols = match tables.entry(link.0) {
            _ if for_loader && !linked.is_ok_and(|it| it.sh_type(LE) == elf::SHT_DYNSYM) => None,
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(new) => {
                let read = table.symbol_table_by_index(LE, data, link);
                let read = read.map_err(truncated("the symbols of a relocation section"))?;
                Some(new.insert(read))
            }
        };
        for row in rows {
            let symbol = Rela::symbol(row, LE, false);
            let (value, name) = match symbol {
                None => (0, String::new()),
                Some(index) => {
                    let Some(symbols) = &symbols else { continue };
                    let symbol = symbols
                        .symbol(index)
                        .map_err(truncated("the symbol of a relocation"))?;
                    let name = symbols
                        .symbol_name(LE, symbol)
                        .map_err(truncated("a symbol's name"))?;
                    let own = sections.get(usize::from(symbol.st_shndx(LE).0));
                    let value = match symbol.st_type() {
                        // lld keeps the symbol of each input section, but addends are relative
                        // to the output section, as those of GNU ld.
                        elf::STT_SECTION => own.map_or(0, |section| section.range.start),
                        _ => symbol.st_value(LE),
                    };
                    (value, names.copy(name)?)
                }
            };
            let relocation = Relocation {
                at: row.r_offset(LE),
                kind: row.r_type(LE, false).0,
                target: value.wrapping_add_signed(row.r_addend(LE)),
                addend: row.r_addend(LE),
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
    Ok((relocations, pointers))
}

/// The pointers in packed relocations (`.relr.dyn`); each holds its link address already.
fn packed(
    table: &Sections<'_>,
    sections: &[Section],
    loaded: &[usize],
    data: &[u8],
) -> Result<Vec<Relocation>, ImageError> {
    let mut pointers = Vec::<Relocation>::new();
    let kind = |header: &&elf::SectionHeader64<_>| header.sh_type(LE) == elf::SHT_RELR;
    // There is at most one (DT_RELR).
    let Some(header) = table.iter().find(kind) else {
        return Ok(pointers);
    };
    let rows = header
        .relr(LE, data)
        .map_err(truncated("a relocation section"))?;
    let mut last = None;
    for at in rows.into_iter().flatten() {
        // They ascend. A damaged table must not name a pointer an unlimited number of times.
        if last.replace(at).is_some_and(|last| at <= last) {
            break;
        }
        let after = loaded.partition_point(|index| sections[*index].range.start <= at);
        let section = after.checked_sub(1).map(|index| &sections[loaded[index]]);
        let start = section.and_then(|section| section.offset_of(at));
        let bytes = start.and_then(|start| data.get(start..start.checked_add(8)?)?.try_into().ok());
        pointers.extend(bytes.map(|bytes| Relocation {
            at,
            kind: elf::R_AARCH64_RELATIVE.0,
            target: u64::from_le_bytes(bytes),
            addend: 0,
            symbol: String::new(),
        }));
    }
    Ok(pointers)
}
