//! Writes the object for the link of the kernel: in a namespace, with bounds, the table of its
//! pointers and its manifest.

use std::collections::HashSet;

use alt_object::display;
use alt_object::object::Object;
use alt_runtime::atomics::CAP_SYMBOL;
use alt_runtime::record::VERSION_SYMBOL;
use object::build::Id;
use object::build::elf::{Builder, Relocation, SectionData, SectionId, SymbolId};
use object::elf::{
    R_AARCH64_ABS64, R_AARCH64_PREL32, SHF_ALLOC, SHF_EXECINSTR, SHF_INFO_LINK, SHF_MERGE,
    SHF_STRINGS, SHF_WRITE, SHN_ABS, SHN_UNDEF, SHT_AARCH64_ATTRIBUTES, SHT_FINI_ARRAY,
    SHT_GNU_ATTRIBUTES, SHT_GROUP, SHT_INIT_ARRAY, SHT_NOBITS, SHT_NOTE, SHT_NULL,
    SHT_PREINIT_ARRAY, SHT_PROGBITS, SHT_REL, SHT_RELA, SHT_STRTAB, SHT_SYMTAB, SHT_SYMTAB_SHNDX,
    STB_GLOBAL, STB_LOCAL, STT_FILE, STT_NOTYPE, STT_SECTION, STV_DEFAULT, SectionFlags,
    SectionType, SymbolOther,
};

use super::error::PartialLinkError;
use super::script::{ALWAYS, Layout, PAGE};
use crate::namespace::Name;
use crate::namespace::{Embedded, Manifest, SECTION};

/// The symbols for the layout version of records and for the number of LSE. They must stay global:
/// two values must clash.
const CONSTANTS: [&str; 2] = [VERSION_SYMBOL, CAP_SYMBOL];

/// The namespace into which the object is put.
pub(super) struct Namespace<'a> {
    pub name: &'a Name,
    pub manifest: &'a Manifest,
    /// The text of the manifest.
    pub text: &'a str,
    pub layout: &'a Layout,
}

impl Namespace<'_> {
    /// Rewrites the object of the partial link.
    pub fn write(&self, object: &[u8]) -> Result<Vec<u8>, PartialLinkError> {
        let (object, unknown) = without_unknown(object)?;
        let mut builder = Builder::read64(object.as_slice())?;
        drop_sections(&mut builder, &unknown);
        for section in &mut builder.sections {
            // 0 has the same meaning as 1, and the builder does not accept it.
            section.sh_addralign = section.sh_addralign.max(1);
        }
        self.rename(&mut builder);
        let sections = self.sections(&mut builder);
        for (section, id) in &sections {
            self.bounds(&mut builder, section, *id);
        }
        let pointers = self.pointers(&mut builder, &sections)?;
        self.bounds(&mut builder, ".pointers", pointers);
        let embedded = builder.sections.add();
        embedded.name = SECTION.into();
        embedded.sh_type = SHT_PROGBITS;
        embedded.sh_addralign = 1;
        embedded.data = SectionData::Data(Embedded::write(self.name, self.text).into());
        let mut bytes = Vec::new();
        builder.write(&mut bytes)?;
        Ok(bytes)
    }

    /// Gives every symbol its name in the kernel.
    fn rename(&self, builder: &mut Builder<'_>) {
        let used = used(builder);
        let exported = |name: &[u8]| {
            let mut exports = self.manifest.exports.iter();
            exports.any(|export| export.as_bytes() == name)
        };
        for symbol in &mut builder.symbols {
            let (kind, binding) = (symbol.st_type(), symbol.st_bind());
            let mapping = kind == STT_NOTYPE && symbol.name.starts_with(b"$");
            if [STT_FILE, STT_SECTION].contains(&kind) || mapping || symbol.name.is_empty() {
                continue;
            }
            let name = symbol.name.to_vec();
            let text = String::from_utf8_lossy(&name).into_owned();
            let undefined = symbol.section.is_none() && symbol.st_shndx == SHN_UNDEF;
            if undefined {
                symbol.delete = !used.contains(&symbol.id().index());
                if let Some(allowed) = self.manifest.allowed(&text) {
                    symbol.name = allowed.kernel.clone().into_bytes().into();
                }
                continue;
            }
            if CONSTANTS.contains(&text.as_str()) && symbol.st_shndx == SHN_ABS {
                continue;
            }
            symbol.name = self.name.symbol(&text).into_bytes().into();
            let exported = binding != STB_LOCAL && exported(&name);
            symbol.set_st_info(if exported { STB_GLOBAL } else { STB_LOCAL }, kind);
        }
    }

    /// The sections of the namespace; adds those that must exist for their bounds.
    fn sections(&self, builder: &mut Builder<'_>) -> Vec<(String, SectionId)> {
        let mut names: Vec<&str> = ALWAYS.iter().map(|(name, _)| *name).collect();
        for output in &self.layout.0 {
            if !names.contains(&output.name.as_str()) {
                names.push(&output.name);
            }
        }
        let mut sections = Vec::new();
        for short in names {
            let name = self.name.section(short);
            let mut known = builder.sections.iter();
            let known = known.find(|section| *section.name == *name.as_bytes());
            let known = known.map(|section| section.id());
            let id = known.unwrap_or_else(|| builder.sections.add().id());
            sections.push((short.to_owned(), id));
            let section = builder.sections.get_mut(id);
            // This link has merged the strings; the section may now hold other data too.
            section.sh_flags = without(section.sh_flags, SHF_MERGE | SHF_STRINGS);
            section.sh_entsize = 0;
            if section.sh_size != 0 {
                continue;
            }
            // The linker guesses the flags of an empty section.
            let usual = ALWAYS.iter().find(|(usual, _)| *usual == short);
            let [code, writable, bss] = usual.map_or([false, true, false], |(_, flags)| *flags);
            section.name = name.into_bytes().into();
            section.sh_flags = SHF_ALLOC;
            if code {
                section.sh_flags |= SHF_EXECINSTR;
            }
            if writable {
                section.sh_flags |= SHF_WRITE;
            }
            section.sh_addralign = PAGE;
            (section.sh_type, section.data) = match bss {
                true => (SHT_NOBITS, SectionData::UninitializedData(0)),
                false => (SHT_PROGBITS, SectionData::Data(Vec::new().into())),
            };
        }
        sections
    }

    /// Adds or defines the symbols at both ends of a section; code may refer to them already.
    fn bounds(&self, builder: &mut Builder<'_>, section: &str, id: SectionId) {
        let size = match &builder.sections.get(id).data {
            SectionData::Data(data) => data.len() as u64,
            SectionData::UninitializedData(size) => *size,
            _ => 0,
        };
        for (name, value) in self.name.bounds(section).into_iter().zip([0, size]) {
            let asked = (builder.symbols.iter_mut()).find(|s| *s.name == *name.as_bytes());
            let symbol = match asked {
                Some(symbol) => symbol,
                None => builder.symbols.add(),
            };
            symbol.delete = false;
            symbol.name = name.into_bytes().into();
            symbol.section = Some(id);
            symbol.set_st_info(STB_GLOBAL, STT_NOTYPE);
            symbol.st_other = SymbolOther(STV_DEFAULT.0);
            symbol.st_value = value;
        }
    }

    /// The table of absolute pointers, which must be fixed for the address at which the code runs.
    /// An entry is the distance from it to the pointer.
    fn pointers(
        &self,
        builder: &mut Builder<'_>,
        sections: &[(String, SectionId)],
    ) -> Result<SectionId, PartialLinkError> {
        let mut entries = Vec::new();
        for (_, id) in sections {
            let mut offsets: Vec<u64> = relocations(builder, *id)
                .filter(|relocation| relocation.r_type == R_AARCH64_ABS64)
                .map(|relocation| relocation.r_offset)
                .collect();
            offsets.sort_unstable();
            if offsets.is_empty() {
                continue;
            }
            let symbol = section_symbol(builder, *id);
            entries.extend(offsets.into_iter().map(|offset| (symbol, offset)));
        }
        let table = builder.sections.add();
        table.name = self.name.section(".pointers").into_bytes().into();
        table.sh_type = SHT_PROGBITS;
        table.sh_flags = SHF_ALLOC;
        table.sh_addralign = 4;
        table.data = SectionData::Data(vec![0; entries.len() * 4].into());
        let id = table.id();
        if entries.is_empty() {
            return Ok(id);
        }
        let symtab = builder
            .sections
            .iter()
            .find(|s| matches!(s.data, SectionData::Symbol));
        let symtab = symtab
            .ok_or_else(|| PartialLinkError::Object("no symbol table".into()))?
            .id();
        let relocations =
            entries
                .into_iter()
                .zip(0..)
                .map(|((symbol, offset), index): (_, u64)| Relocation {
                    r_offset: index * 4,
                    symbol: Some(symbol),
                    r_type: R_AARCH64_PREL32,
                    r_addend: offset.cast_signed(),
                });
        let relocations = SectionData::Relocation(relocations.collect());
        let section = builder.sections.add();
        section.name = format!(".rela{}", self.name.section(".pointers"))
            .into_bytes()
            .into();
        section.sh_type = SHT_RELA;
        section.sh_flags = SHF_INFO_LINK;
        section.sh_link_section = Some(symtab);
        section.sh_info_section = Some(id);
        section.sh_addralign = 8;
        section.sh_entsize = 24;
        section.data = relocations;
        Ok(id)
    }
}

/// Whether a section of this type can be read and written again.
pub(super) fn is_known(kind: SectionType) -> bool {
    [
        SHT_NULL,
        SHT_PROGBITS,
        SHT_SYMTAB,
        SHT_STRTAB,
        SHT_RELA,
        SHT_NOTE,
        SHT_NOBITS,
        SHT_REL,
        SHT_GROUP,
        SHT_INIT_ARRAY,
        SHT_FINI_ARRAY,
        SHT_PREINIT_ARRAY,
        SHT_SYMTAB_SHNDX,
        SHT_GNU_ATTRIBUTES,
        SHT_AARCH64_ATTRIBUTES,
    ]
    .contains(&kind)
}

/// The object with a known type for each section of an unknown one, and the numbers of these: the
/// library refuses the whole object for them. None of them may be loaded.
fn without_unknown(object: &[u8]) -> Result<(Vec<u8>, Vec<usize>), PartialLinkError> {
    // Offsets in the ELF header and in a section header (ELF-64 object file format, figures 2, 3).
    const E_SHOFF: usize = 0x28;
    const SH_TYPE: usize = 4;
    const HEADER: usize = 64;
    let mut bytes = object.to_vec();
    let mut unknown = Vec::new();
    let read = Object::parse(object)?;
    for (index, section) in read.sections.iter().enumerate() {
        if is_known(section.kind) {
            continue;
        }
        let (name, kind) = (display::name(section.name), section.kind.0);
        if section.is_loaded() {
            return Err(PartialLinkError::Object(format!(
                "section {name} is loaded and of type {kind:#x}, which `alt` does not know: compile \
                 without what makes it"
            )));
        }
        let table = object.get(E_SHOFF..).and_then(<[u8]>::first_chunk);
        let table = table.map_or(0, |table| u64::from_le_bytes(*table));
        let place = usize::try_from(table).ok().and_then(|table| {
            let at = table.checked_add(index.checked_mul(HEADER)? + SH_TYPE)?;
            bytes.get_mut(at..at.checked_add(4)?)
        });
        if let Some(place) = place {
            place.copy_from_slice(&SHT_PROGBITS.0.to_le_bytes());
            unknown.push(index);
        }
    }
    Ok((bytes, unknown))
}

/// Drops sections, by number, with their relocations.
fn drop_sections(builder: &mut Builder<'_>, numbers: &[usize]) {
    // The first section of the file is the null section, which the builder does not have.
    let gone: Vec<SectionId> = builder
        .sections
        .iter()
        .map(|section| section.id())
        .filter(|id| numbers.contains(&(id.index() + 1)))
        .collect();
    for section in &mut builder.sections {
        let of = section.sh_info_section;
        let relocates = section.sh_type == SHT_RELA && of.is_some_and(|of| gone.contains(&of));
        section.delete |= relocates || gone.contains(&section.id());
    }
    // No symbol is used by them alone; the symbols of the sections go with them.
    for symbol in &mut builder.symbols {
        symbol.delete |= symbol.section.is_some_and(|of| gone.contains(&of));
    }
}

fn without(flags: SectionFlags, these: SectionFlags) -> SectionFlags {
    SectionFlags(flags.0 & !these.0)
}

/// The relocations of a section. The name of the section that holds them is arbitrary after a
/// partial link.
fn relocations<'a>(
    builder: &'a Builder<'_>,
    id: SectionId,
) -> impl Iterator<Item = &'a Relocation> {
    let of = builder
        .sections
        .iter()
        .filter(move |section| section.sh_info_section == Some(id));
    of.flat_map(|section| match &section.data {
        SectionData::Relocation(relocations) => relocations.as_slice(),
        _ => &[],
    })
}

/// The symbols to which relocations refer.
fn used(builder: &Builder<'_>) -> HashSet<usize> {
    let mut used = HashSet::new();
    for section in builder.sections.iter().filter(|section| !section.delete) {
        if let SectionData::Relocation(relocations) = &section.data {
            let symbols = relocations.iter().filter_map(|r: &Relocation| r.symbol);
            used.extend(symbols.map(|symbol| symbol.index()));
        }
    }
    used
}

fn section_symbol(builder: &mut Builder<'_>, id: SectionId) -> SymbolId {
    let mut symbols = builder.symbols.iter();
    let known =
        symbols.find(|symbol| symbol.st_type() == STT_SECTION && symbol.section == Some(id));
    if let Some(symbol) = known {
        return symbol.id();
    }
    let symbol = builder.symbols.add();
    symbol.section = Some(id);
    symbol.set_st_info(STB_LOCAL, STT_SECTION);
    symbol.id()
}
