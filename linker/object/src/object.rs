//! The ELF reader for relocatable objects.
//!
//! Sections and symbols are read at once; contents and relocations on request, since most users
//! need those of a few sections only. Names are borrowed from the file and need not be UTF-8.

use object::elf::{
    self, FileHeader64, RelocationType, SHF_ALLOC, SHF_EXECINSTR, SectionFlags, SectionHeader64,
    SectionType, SymbolType,
};
use object::read::elf::{
    CompressionHeader, Crel, FileHeader, Rel, Rela, SectionHeader, SectionTable, Sym, SymbolTable,
};
use object::{LittleEndian, SectionIndex, SymbolIndex};

type Header = FileHeader64<LittleEndian>;

const LE: LittleEndian = LittleEndian;

/// The text of the parser about an object that is truncated or damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ObjectError(pub String);

impl From<object::read::Error> for ObjectError {
    fn from(error: object::read::Error) -> Self {
        Self(error.to_string())
    }
}

/// A relocatable object. The lists are indexed by the numbers of the file.
#[derive(Debug)]
pub struct Object<'a> {
    /// All sections; the first one is empty.
    pub sections: Vec<Section<'a>>,
    /// All symbols of the symbol table; the first one is empty.
    pub symbols: Vec<Symbol<'a>>,
    bytes: &'a [u8],
    headers: SectionTable<'a, Header>,
    symbol_table: SectionIndex,
    program_headers: u16,
}

/// A section.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its type, such as `SHT_RELA`.
    pub kind: SectionType,
    /// Its flags.
    pub flags: SectionFlags,
    /// Its offset in the file, in bytes.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its alignment in bytes, at least 1.
    pub align: u64,
    /// `sh_link`: a section with `SHF_LINK_ORDER` belongs to that one.
    pub link: usize,
    /// `sh_info`: relocations are for that section.
    pub info: usize,
    /// The signature of its COMDAT group. A linker keeps one of the groups of a signature.
    pub comdat: Option<&'a [u8]>,
}

/// A symbol.
#[derive(Clone, Debug)]
pub struct Symbol<'a> {
    /// Its name; empty for the symbol of a section.
    pub name: &'a [u8],
    /// Its type, such as `STT_FUNC`.
    pub kind: SymbolType,
    /// Where it is.
    pub place: Place,
    /// `st_value`: the address of an absolute symbol.
    pub value: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Whether other objects cannot refer to it.
    pub local: bool,
    /// Whether a definition gives way to one that is not weak.
    pub weak: bool,
}

/// Where a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In another object, or nowhere.
    Undefined,
    /// At an address that does not depend on the link.
    Absolute,
    /// In memory that the linker allocates.
    Common,
    /// In a section, at an offset in bytes.
    In(usize, u64),
}

/// A relocation.
#[derive(Clone, Copy, Debug)]
pub struct Relocation {
    /// The offset in the section that is relocated, in bytes.
    pub offset: u64,
    /// The type, such as `R_AARCH64_CALL26`.
    pub kind: RelocationType,
    /// The number of the symbol; 0 for no symbol.
    pub symbol: usize,
    /// The addend; `None` for `SHT_REL`, and `SHT_CREL` without addends, where the relocated place
    /// holds it.
    pub addend: Option<i64>,
}

/// The contents of a relocation section.
#[derive(Clone, Debug)]
pub struct Relocations {
    /// Whether they use the symbol table of [`Object::symbols`].
    pub by_symbol_table: bool,
    /// In the order of the file.
    pub list: Vec<Relocation>,
}

impl<'a> Object<'a> {
    /// Reads an ELF file for arm64 of type `ET_REL`, as
    /// [`InputKind::Elf`](crate::inputs::InputKind::Elf) promises.
    ///
    /// # Errors
    /// The file is truncated or damaged.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ObjectError> {
        let header = Header::parse(bytes)?;
        let headers = header.sections(LE, bytes)?;
        let table = headers.symbols(LE, bytes, elf::SHT_SYMTAB)?;
        let symbols = table
            .enumerate()
            .map(|(index, row)| symbol(&table, index, row))
            .collect::<Result<_, _>>()?;
        let sections = headers
            .iter()
            .map(|header| section(&headers, header))
            .collect::<Result<_, _>>()?;
        let mut object = Self {
            sections,
            symbols,
            bytes,
            symbol_table: table.section(),
            headers,
            program_headers: header.e_phnum.get(LE),
        };
        object.read_groups(&table)?;
        Ok(object)
    }

    /// Whether the file has program headers; only a linked image needs them.
    pub fn has_program_headers(&self) -> bool {
        self.program_headers != 0
    }

    /// The bytes of a section; empty for `SHT_NOBITS`.
    ///
    /// # Errors
    /// The object has no section of this number, or the file does not hold its bytes.
    pub fn contents(&self, section: usize) -> Result<&'a [u8], ObjectError> {
        let header = self.header(section)?;
        Ok(header.data(LE, self.bytes)?)
    }

    /// The size of a section in bytes as relocations see it: uncompressed, if it is debug
    /// information that was compressed (`-gz`).
    ///
    /// # Errors
    /// The object has no section of this number, or the header of the compression is damaged.
    pub fn uncompressed_size(&self, section: usize) -> Result<u64, ObjectError> {
        let header = self.header(section)?;
        if let Some((compression, _, _)) = header.compression(LE, self.bytes)? {
            return Ok(compression.ch_size(LE));
        }
        // The form before SHF_COMPRESSED: `ZLIB` and the size, big-endian.
        let name = self.sections.get(section).map_or(&b""[..], |it| it.name);
        if name.starts_with(b".zdebug")
            && let Some((b"ZLIB", rest)) = self.contents(section)?.split_first_chunk()
            && let Some((size, _)) = rest.split_first_chunk()
        {
            return Ok(u64::from_be_bytes(*size));
        }
        Ok(header.sh_size(LE))
    }

    /// The relocations that a section of type `SHT_RELA`, `SHT_REL` or `SHT_CREL` holds; `None` for
    /// other types.
    ///
    /// # Errors
    /// The object has no section of this number, or the file does not hold its bytes.
    pub fn relocations(&self, section: usize) -> Result<Option<Relocations>, ObjectError> {
        let header = self.header(section)?;
        let read = |link: SectionIndex, list| Relocations {
            by_symbol_table: link == self.symbol_table,
            list,
        };
        if let Some((rows, link)) = header.rela(LE, self.bytes)? {
            let row = |row: &elf::Rela64<LittleEndian>| Relocation {
                offset: row.r_offset(LE),
                kind: row.r_type(LE, false),
                symbol: Rela::symbol(row, LE, false).map_or(0, |symbol| symbol.0),
                addend: Some(row.r_addend(LE)),
            };
            return Ok(Some(read(link, rows.iter().map(row).collect())));
        }
        if let Some((rows, link)) = header.rel(LE, self.bytes)? {
            let row = |row: &elf::Rel64<LittleEndian>| Relocation {
                offset: row.r_offset(LE),
                kind: row.r_type(LE),
                symbol: Rel::symbol(row, LE).map_or(0, |symbol| symbol.0),
                addend: None,
            };
            return Ok(Some(read(link, rows.iter().map(row).collect())));
        }
        if let Some((rows, link)) = header.crel(LE, self.bytes)? {
            let with_addend = rows.is_rela();
            let row = |row: Crel| Relocation {
                offset: row.r_offset,
                kind: row.r_type,
                symbol: row.symbol().map_or(0, |symbol| symbol.0),
                addend: with_addend.then_some(row.r_addend),
            };
            let list = rows.map(|read| Ok(row(read?)));
            return Ok(Some(read(link, list.collect::<Result<_, ObjectError>>()?)));
        }
        Ok(None)
    }

    fn header(&self, section: usize) -> Result<&'a SectionHeader64<LittleEndian>, ObjectError> {
        let header = self.headers.iter().nth(section);
        header.ok_or_else(|| ObjectError(format!("there is no section {section}")))
    }

    fn read_groups(&mut self, symbols: &SymbolTable<'a, Header>) -> Result<(), ObjectError> {
        for header in self.headers.iter() {
            let Some((flag, members)) = header.group(LE, self.bytes)? else {
                continue;
            };
            if !flag.contains(elf::GRP_COMDAT) {
                continue;
            }
            let symbol = symbols.symbol(SymbolIndex(header.sh_info(LE) as usize))?;
            let mut name = symbols.symbol_name(LE, symbol)?;
            // GNU as names a group by the symbol of a section, whose own name is empty.
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
}

impl Section<'_> {
    /// Whether it takes memory in the image.
    pub fn is_loaded(&self) -> bool {
        self.flags.contains(SHF_ALLOC)
    }

    /// Whether it holds relocations in the compact form (`--crel` of LLVM's assembler).
    pub fn is_crel(&self) -> bool {
        self.kind == elf::SHT_CREL
    }

    /// Whether it holds instructions.
    pub fn is_code(&self) -> bool {
        self.flags.contains(SHF_EXECINSTR)
    }
}

fn section<'a>(
    headers: &SectionTable<'a, Header>,
    header: &'a SectionHeader64<LittleEndian>,
) -> Result<Section<'a>, ObjectError> {
    let kind = header.sh_type(LE);
    Ok(Section {
        // The first section has no name, and its offset into the table of names need not be 0.
        name: match kind {
            elf::SHT_NULL => b"",
            _ => headers.section_name(LE, header)?,
        },
        kind,
        flags: header.sh_flags(LE),
        offset: header.sh_offset(LE),
        size: header.sh_size(LE),
        align: header.sh_addralign(LE).max(1),
        link: header.sh_link(LE) as usize,
        info: header.sh_info(LE) as usize,
        comdat: None,
    })
}

fn symbol<'a>(
    table: &SymbolTable<'a, Header>,
    index: SymbolIndex,
    symbol: &'a elf::Sym64<LittleEndian>,
) -> Result<Symbol<'a>, ObjectError> {
    let place = match symbol.st_shndx(LE) {
        elf::SHN_UNDEF => Place::Undefined,
        elf::SHN_ABS => Place::Absolute,
        elf::SHN_COMMON => Place::Common,
        _ => match table.symbol_section(LE, symbol, index)? {
            Some(section) => Place::In(section.0, symbol.st_value(LE)),
            None => Place::Absolute,
        },
    };
    Ok(Symbol {
        name: match symbol.st_type() {
            elf::STT_SECTION => b"",
            _ => table.symbol_name(LE, symbol)?,
        },
        kind: symbol.st_type(),
        place,
        value: symbol.st_value(LE),
        size: symbol.st_size(LE),
        local: symbol.st_bind() == elf::STB_LOCAL,
        weak: symbol.st_bind() == elf::STB_WEAK,
    })
}
