//! The object of the partial link, as the checks look at it.

use object::elf::{
    FileHeader64, RelocationType, SHF_ALLOC, SHF_EXECINSTR, SHN_COMMON, SHN_UNDEF, SHT_NOBITS,
    SHT_NULL, STB_LOCAL, STT_FILE, STT_FUNC, STT_NOTYPE, STT_SECTION, SectionFlags, SymbolType,
};
use object::read::elf::{FileHeader, SectionHeader, SectionTable, Sym};
use object::{LittleEndian, SectionIndex};

use super::error::HypError;
use alt_object::display;

type Header = FileHeader64<LittleEndian>;

const LE: LittleEndian = LittleEndian;

/// All of it; places in the lists are the indices of the file.
pub(super) struct Object<'a> {
    pub sections: Vec<Section<'a>>,
    pub symbols: Vec<Symbol<'a>>,
}

pub(super) struct Section<'a> {
    pub name: &'a str,
    pub flags: SectionFlags,
    pub size: u64,
    /// Empty where the file has none.
    pub bytes: &'a [u8],
    pub link: usize,
    pub relocations: Vec<Relocation>,
    /// Where data begins among code (true), and code among data: from the mapping symbols.
    mapping: Vec<(u64, bool)>,
}

pub(super) struct Symbol<'a> {
    pub name: &'a str,
    pub kind: SymbolType,
    pub place: Place,
    pub size: u64,
    pub local: bool,
}

/// Where a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Undefined,
    Absolute,
    Common,
    /// An offset in a section.
    In(usize, u64),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Relocation {
    pub offset: u64,
    pub kind: RelocationType,
    pub symbol: usize,
    pub addend: i64,
}

impl<'a> Object<'a> {
    pub fn parse(data: &'a [u8]) -> Result<Self, HypError> {
        let endian = LE;
        let header = Header::parse(data)?;
        let table = header.sections(endian, data)?;
        check_layout(header, &table, data.len())?;
        let symbols = table.symbols(endian, data, object::elf::SHT_SYMTAB)?;
        let mut sections = Vec::new();
        for section in table.iter() {
            sections.push(Section {
                name: text(table.section_name(endian, section)?)?,
                flags: section.sh_flags(endian),
                size: section.sh_size(endian),
                bytes: section.data(endian, data)?,
                link: section.sh_link(endian) as usize,
                relocations: Vec::new(),
                mapping: Vec::new(),
            });
        }
        let mut own = Vec::new();
        for (index, symbol) in symbols.enumerate() {
            let section = symbols.symbol_section(endian, symbol, index)?;
            let value = symbol.st_value(endian);
            let place = match (section, symbol.st_shndx(endian)) {
                (Some(SectionIndex(section)), _) => Place::In(section, value),
                (None, SHN_UNDEF) => Place::Undefined,
                (None, SHN_COMMON) => Place::Common,
                (None, _) => Place::Absolute,
            };
            let symbol = Symbol {
                name: text(symbols.symbol_name(endian, symbol)?)?,
                kind: symbol.st_type(),
                place,
                size: symbol.st_size(endian),
                local: symbol.st_bind() == STB_LOCAL,
            };
            if let (true, Place::In(section, value)) = (symbol.is_mapping(), place)
                && let Some(section) = sections.get_mut(section)
            {
                section.mapping.push((value, symbol.name.starts_with("$d")));
            }
            own.push(symbol);
        }
        for section in &mut sections {
            section.mapping.sort_by_key(|(value, _)| *value);
        }
        for section in table.iter() {
            let Some((relocations, _)) = section.rela(endian, data)? else {
                continue;
            };
            // The name of the section that holds them says nothing after a partial link.
            let Some(target) = sections.get_mut(section.sh_info(endian) as usize) else {
                continue;
            };
            target
                .relocations
                .extend(relocations.iter().map(|relocation| Relocation {
                    offset: relocation.r_offset.get(endian),
                    kind: relocation.r_type(endian, false),
                    symbol: relocation.r_sym(endian, false) as usize,
                    addend: relocation.r_addend.get(endian),
                }));
        }
        for section in &mut sections {
            section
                .relocations
                .sort_by_key(|relocation| relocation.offset);
        }
        Ok(Self {
            sections,
            symbols: own,
        })
    }

    /// The sections that are loaded, with their indices.
    pub fn loaded(&self) -> impl Iterator<Item = (usize, &Section<'a>)> {
        self.sections
            .iter()
            .enumerate()
            .filter(|(_, section)| section.is_loaded())
    }

    /// Where a relocation points to.
    pub fn target(&self, relocation: &Relocation) -> Option<(usize, u64)> {
        match self.symbols.get(relocation.symbol)?.place {
            Place::In(section, value) => {
                Some((section, value.wrapping_add_signed(relocation.addend)))
            }
            _ => None,
        }
    }
}

/// What must be so for the object to be written again, and to take no more room than it has:
/// linkers give each section bytes of its own, and align them in the file, too.
fn check_layout(
    header: &Header,
    table: &SectionTable<'_, Header>,
    len: usize,
) -> Result<(), HypError> {
    let wrong = |what: String| Err(HypError::Object(what));
    if header.e_phnum.get(LE) != 0 {
        return wrong("it has program headers".into());
    }
    let mut left = len as u64;
    for section in table.iter() {
        if [SHT_NULL, SHT_NOBITS].contains(&section.sh_type(LE)) {
            continue;
        }
        let (at, align) = (section.sh_offset(LE), section.sh_addralign(LE).max(1));
        if !align.is_power_of_two() || !at.is_multiple_of(align) {
            return wrong(format!(
                "a section at {at:#x} of the file, aligned to {align:#x}"
            ));
        }
        match left.checked_sub(section.sh_size(LE)) {
            Some(rest) => left = rest,
            None => return wrong("the sections take more room than the file has".into()),
        }
    }
    Ok(())
}

impl Section<'_> {
    pub fn is_loaded(&self) -> bool {
        self.flags.contains(SHF_ALLOC)
    }

    pub fn is_code(&self) -> bool {
        self.flags.contains(SHF_EXECINSTR)
    }

    /// Whether data stands here, in a section of code.
    pub fn is_data(&self, offset: u64) -> bool {
        let after = self.mapping.partition_point(|(value, _)| *value <= offset);
        after
            .checked_sub(1)
            .is_some_and(|at| self.mapping.get(at).is_some_and(|(_, data)| *data))
    }

    /// The instructions of a section of code, with their offsets.
    pub fn instructions(&self) -> impl Iterator<Item = (u64, u32)> {
        let words = self
            .bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word));
        (0..)
            .step_by(4)
            .zip(words)
            .filter(|(offset, _)| self.is_code() && !self.is_data(*offset))
    }
}

impl Symbol<'_> {
    /// `$x`, `$d`: where code begins, and data.
    pub fn is_mapping(&self) -> bool {
        self.kind == STT_NOTYPE && self.name.starts_with('$')
    }

    /// Whether it is a name for something, and not: for a file, a section, the kind of contents.
    pub fn is_name(&self) -> bool {
        ![STT_FILE, STT_SECTION].contains(&self.kind) && !self.is_mapping() && !self.name.is_empty()
    }

    pub fn is_function(&self) -> bool {
        self.kind == STT_FUNC
    }
}

/// A name as the rules compare it; two that differ must not look alike.
pub(super) fn text(bytes: &[u8]) -> Result<&str, NotUtf8> {
    str::from_utf8(bytes).map_err(|_| NotUtf8(display::name(bytes)))
}

/// A name that no compiler makes.
#[derive(Debug, thiserror::Error)]
#[error("the name `{0}` is not UTF-8")]
pub(super) struct NotUtf8(String);

impl From<NotUtf8> for HypError {
    fn from(error: NotUtf8) -> Self {
        Self::Object(error.to_string())
    }
}
