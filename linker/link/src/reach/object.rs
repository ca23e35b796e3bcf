//! What the lint needs to know of one object file. Names are borrowed from its bytes.

use std::collections::HashMap;

use alt_runtime::insn::{Class, Insn};
use object::elf::{self, FileHeader64, SHF_ALLOC, SHF_EXCLUDE, SectionHeader64};
use object::read::elf::{FileHeader, Rel, Rela, SectionHeader, SectionTable, Sym, SymbolTable};
use object::{LittleEndian, SectionIndex, SymbolIndex};

use super::short::Short;
use alt_object::inputs::Input;

type Header = FileHeader64<LittleEndian>;
type Table<'a> = SectionTable<'a, Header>;
type Symbols<'a> = SymbolTable<'a, Header>;

const LE: LittleEndian = LittleEndian;

/// A relocatable file.
pub(super) struct Object<'a> {
    /// What messages call it.
    pub name: &'a str,
    /// By their numbers in the file.
    pub sections: Vec<Section<'a>>,
    /// By their numbers in the file.
    pub symbols: Vec<Symbol<'a>>,
    /// The references of short reach, in the order of the file.
    pub references: Vec<Reference>,
    /// The symbols that name code, by section and value.
    functions: Vec<(usize, u64, &'a [u8])>,
}

/// An input section.
pub(super) struct Section<'a> {
    pub name: &'a [u8],
    pub size: u64,
    pub align: u64,
    /// Whether it comes into the image's memory, unless the linker drops it.
    pub loaded: bool,
    /// The signature of the COMDAT group that it belongs to: of those of all inputs with one
    /// signature, one stays.
    pub comdat: Option<&'a [u8]>,
}

/// Where a symbol is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Undefined,
    Absolute,
    Common,
    Section(usize),
}

pub(super) struct Symbol<'a> {
    /// Empty for a section's.
    pub name: &'a [u8],
    pub value: u64,
    pub place: Place,
    pub local: bool,
    pub weak: bool,
}

/// One instruction of short reach that names a symbol.
pub(super) struct Reference {
    pub section: usize,
    pub offset: u64,
    pub form: Short,
    pub word: u32,
    pub symbol: usize,
    pub addend: i64,
}

impl<'a> Object<'a> {
    /// Reads an ELF file of type ET_REL; the words of the parser where it is damaged.
    pub(super) fn parse(input: &'a Input) -> Result<Self, String> {
        let bytes = input.bytes.as_slice();
        let header = Header::parse(bytes).map_err(|why| why.to_string())?;
        let table = header.sections(LE, bytes).map_err(|why| why.to_string())?;
        let names = table
            .symbols(LE, bytes, elf::SHT_SYMTAB)
            .map_err(|why| why.to_string())?;
        let mut object = Self {
            name: &input.name,
            sections: sections(&table)?,
            symbols: symbols(&names)?,
            references: Vec::new(),
            functions: functions(&names),
        };
        object.groups(&table, &names, bytes)?;
        object.relocations(&table, &names, bytes)?;
        Ok(object)
    }

    /// The function that an offset in a section belongs to, and how far in.
    pub(super) fn function(&self, section: usize, offset: u64) -> Option<(&'a [u8], u64)> {
        let after = self
            .functions
            .partition_point(|(of, value, _)| (*of, *value) <= (section, offset));
        let (of, value, name) = self.functions.get(after.checked_sub(1)?)?;
        (*of == section).then(|| (*name, offset - value))
    }

    fn groups(
        &mut self,
        table: &Table<'a>,
        symbols: &Symbols<'a>,
        bytes: &'a [u8],
    ) -> Result<(), String> {
        for header in table.iter() {
            let group = header.group(LE, bytes).map_err(|why| why.to_string())?;
            let Some((_, members)) = group.filter(|(flag, _)| flag.contains(elf::GRP_COMDAT))
            else {
                continue;
            };
            let index = SymbolIndex(header.sh_info(LE) as usize);
            let symbol = symbols.symbol(index).map_err(|why| why.to_string())?;
            let mut name = symbols
                .symbol_name(LE, symbol)
                .map_err(|why| why.to_string())?;
            // GNU as names a group by a section's symbol, which has no name of its own.
            if let Some(section) = self.sections.get(usize::from(symbol.st_shndx(LE).0))
                && symbol.st_type() == elf::STT_SECTION
            {
                name = section.name;
            }
            for member in members {
                if let Some(section) = self.sections.get_mut(member.get(LE) as usize) {
                    section.comdat = Some(name);
                }
            }
        }
        Ok(())
    }

    fn relocations(
        &mut self,
        table: &Table<'a>,
        symbols: &Symbols<'a>,
        bytes: &'a [u8],
    ) -> Result<(), String> {
        // Sections may share bytes; a small file shall not have rows without end.
        let mut left = bytes.len() as u64;
        for header in table.iter() {
            let index = header.sh_info(LE) as usize;
            if !self
                .sections
                .get(index)
                .is_some_and(|section| section.loaded)
            {
                continue;
            }
            if [elf::SHT_RELA, elf::SHT_REL].contains(&header.sh_type(LE)) {
                let fits = left.checked_sub(header.sh_size(LE));
                left = fits.ok_or("relocations take more room than the file has")?;
            }
            // (offset, type, symbol, addend)
            type Row = (u64, u32, Option<SymbolIndex>, Option<i64>);
            let (rows, link): (Vec<Row>, SectionIndex) = match header.sh_type(LE) {
                elf::SHT_RELA => match header.rela(LE, bytes).map_err(|why| why.to_string())? {
                    None => continue,
                    Some((rows, link)) => {
                        let row = |row: &elf::Rela64<LittleEndian>| {
                            let kind = row.r_type(LE, false).0;
                            let symbol = Rela::symbol(row, LE, false);
                            (row.r_offset(LE), kind, symbol, Some(row.r_addend(LE)))
                        };
                        (rows.iter().map(row).collect(), link)
                    }
                },
                elf::SHT_REL => match header.rel(LE, bytes).map_err(|why| why.to_string())? {
                    None => continue,
                    Some((rows, link)) => {
                        let row = |row: &elf::Rel64<LittleEndian>| {
                            (
                                row.r_offset(LE),
                                row.r_type(LE).0,
                                Rel::symbol(row, LE),
                                None,
                            )
                        };
                        (rows.iter().map(row).collect(), link)
                    }
                },
                elf::SHT_CREL => {
                    return Err(
                        "relocations in CREL form, which the lint cannot read; compile \
                                without --crel"
                            .into(),
                    );
                }
                _ => continue,
            };
            let short = rows
                .into_iter()
                .filter_map(|(offset, kind, symbol, addend)| {
                    Some((offset, Short::of(kind)?, symbol, addend))
                })
                .collect::<Vec<_>>();
            if short.is_empty() {
                continue;
            }
            if link != symbols.section() {
                return Err(format!(
                    "relocations by a symbol table of their own, {}",
                    link.0
                ));
            }
            let name = || String::from_utf8_lossy(self.sections[index].name).into_owned();
            let target = table
                .section(SectionIndex(index))
                .and_then(|section| section.data(LE, bytes))
                .map_err(|why| format!("{}: {why}", name()))?;
            for (offset, form, symbol, addend) in short {
                let word = usize::try_from(offset)
                    .ok()
                    .and_then(|at| target.get(at..at.checked_add(4)?)?.try_into().ok())
                    .map(u32::from_le_bytes)
                    .ok_or_else(|| {
                        format!(
                            "a relocation at {:#x} is outside its section {}",
                            offset,
                            name()
                        )
                    })?;
                let symbol = symbol.map_or(0, |symbol| symbol.0);
                if symbol >= self.symbols.len() {
                    return Err(format!(
                        "a relocation names symbol {symbol}, which there is not"
                    ));
                }
                self.references.push(Reference {
                    section: index,
                    offset,
                    form,
                    word,
                    symbol,
                    addend: addend.unwrap_or_else(|| written(word)),
                });
            }
        }
        Ok(())
    }
}

/// The addend of a REL relocation: what the instruction itself says.
fn written(word: u32) -> i64 {
    match Insn(word).classify() {
        Class::Relative(relative) => relative.displacement,
        _ => 0,
    }
}

fn sections<'a>(table: &Table<'a>) -> Result<Vec<Section<'a>>, String> {
    let section = |header: &SectionHeader64<LittleEndian>| {
        let name = table.section_name(LE, header);
        let flags = header.sh_flags(LE);
        Ok(Section {
            name: name.map_err(|why| why.to_string())?,
            size: header.sh_size(LE),
            align: header.sh_addralign(LE).max(1),
            loaded: flags.contains(SHF_ALLOC) && !flags.contains(SHF_EXCLUDE),
            comdat: None,
        })
    };
    // The first is none, and has no name.
    let null = |header: &SectionHeader64<LittleEndian>| header.sh_type(LE) == elf::SHT_NULL;
    table
        .iter()
        .map(|header| match null(header) {
            false => section(header),
            true => Ok(Section {
                name: b"",
                size: 0,
                align: 1,
                loaded: false,
                comdat: None,
            }),
        })
        .collect()
}

fn symbols<'a>(table: &Symbols<'a>) -> Result<Vec<Symbol<'a>>, String> {
    let symbol = |index: SymbolIndex, symbol: &elf::Sym64<LittleEndian>| {
        let name = match symbol.st_type() {
            elf::STT_SECTION => &[][..],
            _ => table
                .symbol_name(LE, symbol)
                .map_err(|why| why.to_string())?,
        };
        let place = match symbol.st_shndx(LE) {
            elf::SHN_UNDEF => Place::Undefined,
            elf::SHN_ABS => Place::Absolute,
            elf::SHN_COMMON => Place::Common,
            _ => {
                let section = table
                    .symbol_section(LE, symbol, index)
                    .map_err(|why| why.to_string())?;
                section.map_or(Place::Absolute, |section| Place::Section(section.0))
            }
        };
        Ok(Symbol {
            name,
            value: symbol.st_value(LE),
            place,
            local: symbol.st_bind() == elf::STB_LOCAL,
            weak: symbol.st_bind() == elf::STB_WEAK,
        })
    };
    table
        .enumerate()
        .map(|(index, row)| symbol(index, row))
        .collect()
}

/// Symbols that people know a place by. Not among them: the mapping symbols and the assembler's
/// own labels; and above all the file symbols, which after `ld -r` stand before the symbols of
/// other files.
fn functions<'a>(table: &Symbols<'a>) -> Vec<(usize, u64, &'a [u8])> {
    let mut functions = HashMap::new();
    for (index, symbol) in table.enumerate() {
        if ![elf::STT_FUNC, elf::STT_NOTYPE, elf::STT_OBJECT].contains(&symbol.st_type()) {
            continue;
        }
        let Ok(Some(section)) = table.symbol_section(LE, symbol, index) else {
            continue;
        };
        let name = table.symbol_name(LE, symbol).unwrap_or_default();
        if name.is_empty() || name.starts_with(b"$") || name.starts_with(b".L") {
            continue;
        }
        // Of several at one place the function.
        let rank = symbol.st_type() == elf::STT_FUNC;
        let key = (section.0, symbol.st_value(LE));
        match functions.get(&key) {
            Some((known, _)) if *known || !rank => {}
            _ => {
                functions.insert(key, (rank, name));
            }
        }
    }
    let mut functions: Vec<_> = functions
        .into_iter()
        .map(|((section, value), (_, name))| (section, value, name))
        .collect();
    functions.sort_unstable();
    functions
}

#[cfg(test)]
mod tests {
    use super::written;

    /// Words of LLVM's assembler.
    #[test]
    fn addend_of_rel_is_in_the_instruction() {
        assert_eq!(written(0xb400_0040), 8); // cbz x0, #8
        assert_eq!(written(0x3607_ffe0), -4); // tbz w0, #0, #-4
        assert_eq!(written(0x1000_0060), 12); // adr x0, #12
        assert_eq!(written(0xd503_201f), 0); // nop
    }
}
