//! A relocatable object: its sections, their layout in memory, and their contents after relocation.
//!
//! Sections are grouped in [`Part`]s. A part with other access rights begins on a page.

use core::ops::Range;

use elf::abi::{
    EM_AARCH64, ET_REL, R_AARCH64_NONE, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHN_ABS, SHN_UNDEF,
    SHT_RELA,
};
use elf::endian::LittleEndian;
use elf::relocation::Rela;
use elf::section::{SectionHeader, SectionHeaderTable};
use elf::string_table::StringTable;
use elf::symbol::{Symbol, SymbolTable};
use elf::{ElfBytes, ParseError};
use thiserror::Error;

use crate::relocation::{self, RelocationError};

/// Size of a page in bytes.
pub const PAGE: usize = 4096;
/// Largest size of a loaded object in bytes.
pub const MAX_SIZE: usize = 1 << 20;
/// Largest number of sections.
const MAX_SECTIONS: usize = 64;

/// Why an object cannot be a module.
#[derive(Debug, Error)]
pub enum ObjectError<'a> {
    /// It is not an ELF file, or inconsistent.
    #[error("not an ELF object: {0}")]
    Elf(ParseError),
    /// It is an ELF file of another kind.
    #[error("not a relocatable object for arm64")]
    OtherKind,
    /// It has no symbols, no sections, or too many sections.
    #[error("no symbols, or not between 1 and {MAX_SECTIONS} sections")]
    Sections,
    /// A section is writable and executable, too large, or aligned to more than a page.
    #[error("section {name} cannot be loaded: too large, or writable and executable")]
    Section {
        /// Its name.
        name: &'a str,
    },
    /// The kernel does not export the symbol.
    #[error("the kernel does not export {symbol}")]
    Undefined {
        /// Its name.
        symbol: &'a str,
    },
    /// A symbol that is used is in a section that is not loaded.
    #[error("{symbol} is in no section that is loaded")]
    NotLoaded {
        /// Its name.
        symbol: &'a str,
    },
    /// A relocation cannot be applied.
    #[error("relocation {kind} for {symbol}: {error}")]
    Relocation {
        /// Name of the symbol, or of its section.
        symbol: &'a str,
        /// The type, a number of AAELF64.
        kind: u32,
        /// The reason.
        error: RelocationError,
    },
}

impl From<ParseError> for ObjectError<'_> {
    fn from(error: ParseError) -> Self {
        Self::Elf(error)
    }
}

/// The uses of sections, in the order in which they are loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Executable code.
    Text,
    /// Constants.
    ReadOnly,
    /// Writable data, zeroed data included.
    Data,
    /// Records of branches: `alt_branches`.
    Branches,
    /// Records of alternatives and callbacks: `alt_records`.
    Records,
    /// Replacements: `alt_replacements`.
    Replacements,
    /// Room for the plan, as large as the section `alt_plan_size` is.
    Plan,
}

impl Part {
    const ALL: [Self; 7] = [
        Self::Text,
        Self::ReadOnly,
        Self::Data,
        Self::Branches,
        Self::Records,
        Self::Replacements,
        Self::Plan,
    ];

    /// The part that a section belongs to; `None` if it is not loaded.
    fn of<'a>(name: &'a str, section: &SectionHeader) -> Result<Option<Self>, ObjectError<'a>> {
        let is = |flag: u32| section.sh_flags & u64::from(flag) != 0;
        Ok(Some(match name {
            // Has no contents; its size is that of the room for the plan.
            "alt_plan_size" => Self::Plan,
            _ if !is(SHF_ALLOC) => return Ok(None),
            "alt_branches" => Self::Branches,
            "alt_records" => Self::Records,
            "alt_replacements" => Self::Replacements,
            _ => match (is(SHF_EXECINSTR), is(SHF_WRITE)) {
                (true, true) => return Err(ObjectError::Section { name }),
                (true, false) => Self::Text,
                (false, false) => Self::ReadOnly,
                (false, true) => Self::Data,
            },
        }))
    }

    /// Whether its access rights differ from those of the part before.
    const fn begins_page(self) -> bool {
        matches!(
            self,
            Self::Text | Self::ReadOnly | Self::Data | Self::Branches
        )
    }
}

/// A relocatable object and its layout in memory.
pub struct Object<'a> {
    elf: ElfBytes<'a, LittleEndian>,
    sections: SectionHeaderTable<'a, LittleEndian>,
    names: StringTable<'a>,
    symbols: SymbolTable<'a, LittleEndian>,
    strings: StringTable<'a>,
    /// Offset of each section from the start of the module in bytes.
    offsets: [Option<usize>; MAX_SECTIONS],
    parts: [Range<usize>; Part::ALL.len()],
}

impl<'a> Object<'a> {
    /// Parses the object and lays its sections out.
    pub fn parse(file: &'a [u8]) -> Result<Self, ObjectError<'a>> {
        let elf = ElfBytes::minimal_parse(file)?;
        if (elf.ehdr.e_type, elf.ehdr.e_machine) != (ET_REL, EM_AARCH64) {
            return Err(ObjectError::OtherKind);
        }
        let (Some(sections), Some(names)) = elf.section_headers_with_strtab()? else {
            return Err(ObjectError::Sections);
        };
        let (symbols, strings) = elf.symbol_table()?.ok_or(ObjectError::Sections)?;
        if sections.len() > MAX_SECTIONS {
            return Err(ObjectError::Sections);
        }
        let mut object = Self {
            elf,
            sections,
            names,
            symbols,
            strings,
            offsets: [None; MAX_SECTIONS],
            parts: [const { 0..0 }; Part::ALL.len()],
        };
        object.lay_out()?;
        Ok(object)
    }

    fn lay_out(&mut self) -> Result<(), ObjectError<'a>> {
        let mut end = 0;
        for part in Part::ALL {
            let align = if part.begins_page() { PAGE } else { 16 };
            end = usize::next_multiple_of(end, align);
            let start = end;
            for (index, section) in self.sections.iter().enumerate() {
                let name = self.names.get(section.sh_name as usize)?;
                if Part::of(name, &section)? != Some(part) {
                    continue;
                }
                let at = place(end, &section).ok_or(ObjectError::Section { name })?;
                self.offsets[index] = Some(at.start);
                end = at.end;
            }
            self.parts[part as usize] = start..end;
        }
        Ok(())
    }

    /// Size of the loaded module in bytes, a multiple of the page.
    pub fn size(&self) -> usize {
        self.parts[Part::Plan as usize].end.next_multiple_of(PAGE)
    }

    /// Offsets of a part from the start of the module in bytes.
    pub fn part(&self, part: Part) -> Range<usize> {
        self.parts[part as usize].clone()
    }

    /// Offset and size of a symbol that the object defines, in bytes.
    pub fn find(&self, name: &str) -> Option<(usize, u64)> {
        let symbol = self.named(name)?;
        let section = *self.offsets.get(usize::from(symbol.st_shndx))?;
        let offset = section?.checked_add(usize::try_from(symbol.st_value).ok()?)?;
        Some((offset, symbol.st_size))
    }

    /// Value of an absolute symbol.
    pub fn constant(&self, name: &str) -> Option<u64> {
        let symbol = self.named(name)?;
        (symbol.st_shndx == SHN_ABS).then_some(symbol.st_value)
    }

    fn named(&self, name: &str) -> Option<Symbol> {
        self.symbols
            .iter()
            .find(|symbol| self.strings.get(symbol.st_name as usize).ok() == Some(name))
    }

    /// Copies the sections to `memory` and applies the relocations. `memory` is [`size`](Self::size)
    /// bytes of zeros, and the module will run at `address`.
    pub fn load(
        &self,
        memory: &mut [u8],
        address: u64,
        export: impl Fn(&str) -> Option<u64>,
    ) -> Result<(), ObjectError<'a>> {
        for (index, section) in self.sections.iter().enumerate() {
            if let Some(at) = self.offsets[index] {
                let (data, _) = self.elf.section_data(&section)?;
                // In bounds, by the layout.
                memory[at..at + data.len()].copy_from_slice(data);
            }
        }
        for relocations in self.sections.iter().filter(|s| s.sh_type == SHT_RELA) {
            let index = relocations.sh_info as usize;
            let Some(&Some(at)) = self.offsets.get(index) else {
                continue;
            };
            let section = self.sections.get(index)?;
            let memory = &mut memory[at..at + section.sh_size as usize];
            for rela in self.elf.section_data_as_relas(&relocations)? {
                self.relocate(memory, address + at as u64, address, &rela, &export)?;
            }
        }
        Ok(())
    }

    fn relocate(
        &self,
        section: &mut [u8],
        at: u64,
        base: u64,
        rela: &Rela,
        export: impl Fn(&str) -> Option<u64>,
    ) -> Result<(), ObjectError<'a>> {
        // Sites refer to their records so that the linker does not fold functions that differ only in
        // records. The relocation changes nothing.
        if rela.r_type == R_AARCH64_NONE {
            return Ok(());
        }
        let symbol = self.symbols.get(rela.r_sym as usize)?;
        let name = self.name(&symbol)?;
        let target = self
            .address(&symbol, name, base, export)?
            .wrapping_add_signed(rela.r_addend);
        relocation::apply(rela.r_type, section, rela.r_offset, at, target).map_err(|error| {
            ObjectError::Relocation {
                symbol: name,
                kind: rela.r_type,
                error,
            }
        })
    }

    /// The name of a symbol, or of its section if it is a section symbol.
    fn name(&self, symbol: &Symbol) -> Result<&'a str, ParseError> {
        match self.strings.get(symbol.st_name as usize)? {
            "" => {
                let section = self.sections.get(symbol.st_shndx.into())?;
                self.names.get(section.sh_name as usize)
            }
            name => Ok(name),
        }
    }

    fn address(
        &self,
        symbol: &Symbol,
        name: &'a str,
        base: u64,
        export: impl Fn(&str) -> Option<u64>,
    ) -> Result<u64, ObjectError<'a>> {
        match symbol.st_shndx {
            SHN_UNDEF => export(name).ok_or(ObjectError::Undefined { symbol: name }),
            SHN_ABS => Ok(symbol.st_value),
            section => match self.offsets.get(usize::from(section)) {
                Some(&Some(offset)) => Ok(base
                    .wrapping_add(offset as u64)
                    .wrapping_add(symbol.st_value)),
                _ => Err(ObjectError::NotLoaded { symbol: name }),
            },
        }
    }
}

/// The offsets of a section that is placed at or after `end`.
fn place(end: usize, section: &SectionHeader) -> Option<Range<usize>> {
    let size = usize::try_from(section.sh_size).ok()?;
    let align = usize::try_from(section.sh_addralign).ok()?.max(1);
    if size > MAX_SIZE || align > PAGE || !align.is_power_of_two() {
        return None;
    }
    let start = end.next_multiple_of(align);
    (start + size <= MAX_SIZE).then_some(start..start + size)
}
