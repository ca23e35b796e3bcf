//! What a link is given, before a linker has changed it.

use std::collections::BTreeSet;
use std::error::Error;

use object::LittleEndian;
use object::elf::{FileHeader64, SHF_ALLOC, SHN_UNDEF, SHT_SYMTAB, STB_LOCAL, SectionFlags};
use object::read::elf::{FileHeader, SectionHeader, Sym};

use super::check::input_relocations;
use super::object::text;
use super::refusal::Refusal;
use alt_object::inputs::{Input, InputError, InputKind};

/// Names in the inputs; of bitcode nothing is known yet.
#[derive(Debug, Default)]
pub(super) struct Given<'a> {
    /// Of sections that are loaded.
    pub sections: BTreeSet<&'a str>,
    /// Of symbols that an input defines for others.
    pub globals: BTreeSet<&'a str>,
    flags: BTreeSet<(&'a str, u64)>,
}

impl<'a> Given<'a> {
    /// Looks at all inputs; what is wrong with them goes to `found`.
    pub fn new(inputs: &'a [Input], found: &mut Vec<Refusal>) -> Result<Self, InputError> {
        let mut given = Self::default();
        for input in inputs.iter().filter(|input| input.kind == InputKind::Elf) {
            input_relocations(input, found)?;
            given.add(input).map_err(|why| InputError::Damaged {
                name: input.name.clone(),
                why: why.to_string(),
            })?;
        }
        Ok(given)
    }

    fn add(&mut self, input: &'a Input) -> Result<(), Box<dyn Error>> {
        let (endian, data) = (LittleEndian, input.bytes.as_slice());
        let header = FileHeader64::<LittleEndian>::parse(data)?;
        let sections = header.sections(endian, data)?;
        for section in sections.iter() {
            let flags = section.sh_flags(endian);
            if flags.contains(SHF_ALLOC) {
                let name = text(sections.section_name(endian, section)?)?;
                self.sections.insert(name);
                self.flags.insert((name, flags.0));
            }
        }
        let symbols = sections.symbols(endian, data, SHT_SYMTAB)?;
        for symbol in symbols.iter() {
            if symbol.st_bind() != STB_LOCAL && symbol.st_shndx(endian) != SHN_UNDEF {
                self.globals
                    .insert(text(symbols.symbol_name(endian, symbol)?)?);
            }
        }
        Ok(())
    }

    /// Whether an input has a section of this name with this right.
    pub fn has(&self, section: &str, right: SectionFlags) -> bool {
        let mut flags = self.flags.iter();
        flags.any(|(name, flags)| *name == section && SectionFlags(*flags).contains(right))
    }
}
